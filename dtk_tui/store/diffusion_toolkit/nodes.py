"""ComfyUI nodes and their properties, from the staging tables into the library."""

from __future__ import annotations

from typing import Any, LiteralString

from dtk_tui.store.database import Connection, row_of

# An image that has nodes already keeps those.
_NODES: LiteralString = """
INSERT INTO node (id, image_id, node_id, name)
OVERRIDING SYSTEM VALUE
SELECT %(node_base)s + stage.source_id, spot.image_id, stage.node_id, stage.name
  FROM migration_stage_node stage JOIN migration_where spot ON spot.source_id = stage.image_id
 WHERE NOT EXISTS (SELECT 1 FROM node WHERE node.image_id = spot.image_id)
"""

_NODE_NOTES: LiteralString = """
INSERT INTO migration_stage_note (table_name, source_id, outcome, reason, original)
SELECT 'Node', source_id, 'refused', 'its image is not there',
       jsonb_build_object('ImageId', image_id, 'NodeId', node_id, 'Name', name)
  FROM migration_stage_node stage
 WHERE NOT EXISTS (SELECT 1 FROM migration_where spot WHERE spot.source_id = stage.image_id)
"""

# Of a node that the image has already under this name, nothing is lost.
_NODES_KEPT: LiteralString = """
INSERT INTO migration_stage_note (table_name, source_id, outcome, reason, original)
SELECT 'Node', stage.source_id, 'refused', 'its image has other nodes already, which stay',
       jsonb_build_object('ImageId', stage.image_id, 'NodeId', stage.node_id, 'Name', stage.name)
  FROM migration_stage_node stage JOIN migration_where spot ON spot.source_id = stage.image_id
 WHERE NOT EXISTS (SELECT 1 FROM node WHERE node.id = %(node_base)s + stage.source_id)
   AND NOT EXISTS (SELECT 1 FROM node WHERE node.image_id = spot.image_id
                      AND (node.node_id, node.name) IS NOT DISTINCT FROM (stage.node_id, stage.name))
"""

# Only nodes that were read are looked for: a NodeId may be any number, and the base is not to be added to that.
_PROPERTIES: LiteralString = """
INSERT INTO node_property (node_id, position, name, value)
SELECT node.id, stage.source_id, stage.name, stage.value
  FROM migration_stage_nodeproperty stage
  JOIN migration_stage_node read ON read.source_id = stage.node_id
  JOIN node ON node.id = %(node_base)s + read.source_id
"""

_PROPERTY_NOTES: LiteralString = """
INSERT INTO migration_stage_note (table_name, source_id, outcome, reason, original)
SELECT 'NodeProperty', source_id, 'refused', 'its node is not there',
       jsonb_build_object('NodeId', node_id, 'Name', name, 'Value', left(value, 1000))
  FROM migration_stage_nodeproperty stage
 WHERE NOT EXISTS (SELECT 1 FROM migration_stage_node node JOIN migration_where spot ON spot.source_id = node.image_id
                    WHERE node.source_id = stage.node_id)
    OR stage.node_id IN (SELECT note.source_id FROM migration_stage_note note
                          WHERE table_name = 'Node' AND outcome = 'refused')
"""


def write_nodes(conn: Connection, values: dict[str, Any]) -> None:
    """Write ComfyUI nodes and their properties; ``values``: id and node_base of the import."""
    written = conn.execute(_NODES, values).rowcount
    refused = conn.execute(_NODE_NOTES, values).rowcount
    if written + refused < row_of(conn, "SELECT count(*) FROM migration_stage_node")[0]:
        conn.execute(_NODES_KEPT, values)
    for statement in (_PROPERTIES, _PROPERTY_NOTES):
        conn.execute(statement, values)
