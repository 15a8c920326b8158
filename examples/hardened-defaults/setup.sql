-- What is there before pgplan comes: a function and a procedure that everybody may execute.
CREATE FUNCTION public.total(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 * 2';
CREATE PROCEDURE public.close_year(integer) LANGUAGE sql AS '';
