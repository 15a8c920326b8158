-- pgplan: warehouse, sha256:abababababababababababababababababababababababababababababababab
-- for database app, as deployer. It changes no state: `pgplan apply` does.
-- Plan: 3 to add, 5 to change, 2 to destroy. 2 to adopt, 1 to forget.
-- Privileges: 5 granted, 3 revoked.
-- Set these psql variables first, such as with \set, \getenv or -v:
--   role_dba_password
--   user_mapping_s1_dba_options_password
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL ROLE "deployer";

-- role.dba
CREATE ROLE "dba" LOGIN PASSWORD :'role_dba_password';

-- server.s1
ALTER SERVER "s1" OPTIONS (SET host 'new "quoted"');

-- user_mapping.s1/dba
ALTER USER MAPPING FOR ":'options.password'" SERVER "s1" OPTIONS (SET password :'user_mapping_s1_dba_options_password');

-- grant.dba/table:billing.t
-- grant.app/table:billing.t
SET LOCAL ROLE "a ""b";
REVOKE DELETE ON TABLE "billing"."t" FROM "app";
SET LOCAL ROLE "deployer";

-- role.gone
DROP ROLE "gone";

COMMIT;
