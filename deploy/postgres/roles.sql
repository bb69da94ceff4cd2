-- Least privilege for Assay's store in PostgreSQL. Run once by the owner of the tables, after
-- `assay rebuild --tables` has made them as that owner, and again after a version that adds tables:
--
--     psql "$OWNER_URL" -f deploy/postgres/roles.sql
--
-- Then give the roles to logins of yours:
--
--     CREATE ROLE assay_service LOGIN PASSWORD '...' IN ROLE assay_writer;
--     CREATE ROLE assay_nightly LOGIN PASSWORD '...' IN ROLE assay_rollup;
--     ALTER ROLE assay_nightly SET role = 'assay_rollup';
--     CREATE ROLE grafana LOGIN PASSWORD '...' IN ROLE assay_reader;
--
-- With `SET role` what a login makes belongs to assay_rollup: another login can go on with it, and
-- assay_reader reads it.
--
-- assay_writer  projects decisions and labels (`assay serve`, `assay rebuild`) and loads raw tables
--               of its own (`assay load`). It makes no schema, and partitions only through
--               score.make_month, which is the owner's.
-- assay_rollup  loads raw tables and makes those of rollups (`assay load`, `assay rollup`, `assay daily`) in
--               the seven schemas. What others made it only reads. A service whose settings have rollups
--               of its own decisions has a login that is in both: IN ROLE assay_writer, assay_rollup.
-- assay_reader  reads everything and changes nothing.

DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'assay_writer') THEN
        CREATE ROLE assay_writer NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'assay_rollup') THEN
        CREATE ROLE assay_rollup NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'assay_reader') THEN
        CREATE ROLE assay_reader NOLOGIN;
    END IF;
END $$;

GRANT USAGE ON SCHEMA raw, feature, label, score, alert, model, audit
    TO assay_writer, assay_rollup, assay_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA raw, feature, label, score, alert, model, audit
    TO assay_writer, assay_rollup, assay_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA raw, feature, label, score, alert, model, audit
    GRANT SELECT ON TABLES TO assay_rollup, assay_reader;

GRANT INSERT, TRUNCATE ON score.decision, score.entity, label.label TO assay_writer;
GRANT INSERT, UPDATE, DELETE, TRUNCATE ON score.traffic TO assay_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA alert TO assay_writer;
GRANT UPDATE (label) ON score.decision TO assay_writer;
GRANT UPDATE (projected_seq, projected_at) ON audit.projection TO assay_writer;
GRANT EXECUTE ON FUNCTION score.make_month(date) TO assay_writer;
GRANT CREATE ON SCHEMA raw TO assay_writer;

GRANT CREATE ON SCHEMA raw, feature, label, score, alert, model, audit TO assay_rollup;
GRANT assay_rollup TO CURRENT_USER; -- who says what its tables are open to
ALTER DEFAULT PRIVILEGES FOR ROLE assay_rollup IN SCHEMA raw, feature, label, score, alert, model, audit
    GRANT SELECT ON TABLES TO assay_writer, assay_reader;
