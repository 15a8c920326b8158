-- On the other side, in the database ledger: what the foreign table shows.
CREATE TABLE public.payments (id bigint PRIMARY KEY, account text, amount numeric(12,2), internal boolean);
INSERT INTO public.payments VALUES (1, 'a-1', 10, false), (2, 'a-1', 20, true), (3, 'b-2', 30, false), (4, 'a-1', 40, false);
CREATE ROLE ledger_reader LOGIN PASSWORD 'change-me';
GRANT SELECT ON public.payments TO ledger_reader;
