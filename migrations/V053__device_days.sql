-- How busy each GPU was on each day, as the workers of its host saw it.
-- depends: V051__covering

CREATE TABLE device_day (
    day             date NOT NULL,
    host            text NOT NULL,
    device          smallint NOT NULL, -- as NVML counts the GPUs of a host
    name            text NOT NULL,
    observed_s      double precision NOT NULL, -- seconds in which a worker knew the load
    busy_s          double precision NOT NULL, -- load (0 to 1) x seconds
    memory_peak_gb  double precision, -- GiB; null where the driver does not tell
    memory_total_gb double precision,
    observed_until  timestamptz NOT NULL, -- what several workers saw together counts once
    PRIMARY KEY (day, host, device)
);
