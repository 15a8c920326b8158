-- pgplan: warehouse, sha256:abababababababababababababababababababababababababababababababab
-- for database app, as deployer. It changes no state: `pgplan apply` does.
-- Plan: 2 to add, 0 to change, 0 to destroy.
-- Privileges: 1 granted, 0 revoked.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL ROLE "deployer";

-- role.\u001b[2K\u000drole.harmless\u202etxt\u200b\u000a```\u000a
CREATE ROLE U&"\001b[2K";

COMMIT;
