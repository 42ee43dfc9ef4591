SELECT * FROM "users" WHERE "users"."deleted_at" IS NULL ORDER BY "users"."id" LIMIT 1
SELECT * FROM "users" WHERE "users"."id" = $1 AND "users"."deleted_at" IS NULL ORDER BY "users"."id" LIMIT $2
SELECT count(*) FROM "users" WHERE name LIKE $1
SELECT count(DISTINCT("name")) FROM "users"
SELECT "users"."id","users"."name","Company"."id" AS "Company__id" FROM "users" LEFT JOIN "companies" "Company" ON "users"."company_id" = "Company"."id"
INSERT INTO "users" ("created_at","updated_at","deleted_at","name","age") VALUES ($1,$2,$3,$4,$5) RETURNING "id"
INSERT INTO "users" ("name","age") VALUES ($1,$2),($3,$4) ON CONFLICT ("id") DO UPDATE SET "name"="excluded"."name" RETURNING "id"
INSERT INTO "users" ("name") VALUES ($1) ON CONFLICT ("name") WHERE deleted_at IS NULL DO NOTHING
INSERT INTO "users" ("name") VALUES ($1) ON CONFLICT DO NOTHING
UPDATE "users" SET "name"=$1,"updated_at"=$2 WHERE "users"."deleted_at" IS NULL AND "id" = $3
UPDATE "users" SET "deleted_at"=$1 WHERE "users"."id" = $2 AND "users"."deleted_at" IS NULL
UPDATE "products" SET "price"=price * $1 + $2 WHERE "id" = $3 RETURNING *
DELETE FROM "users" WHERE "users"."id" = $1
SELECT * FROM "users" WHERE id IN ($1,$2,$3) AND (role = $4 OR age > $5)
SELECT * FROM "users" WHERE (name, age) IN (($1,$2),($3,$4))
SELECT * FROM "orders" WHERE amount > (SELECT AVG(amount) FROM "orders")
SELECT name, sum(age) as total FROM "users" WHERE name LIKE $1 GROUP BY "name" HAVING sum(age) > $2
SELECT * FROM "users" FOR UPDATE
SELECT * FROM "users" WHERE "id" = $1 FOR UPDATE OF "users" NOWAIT
SAVEPOINT sp0x1234
ROLLBACK TO SAVEPOINT sp0x1234
SELECT CURRENT_DATABASE()
SELECT count(*) FROM information_schema.tables WHERE table_schema = CURRENT_SCHEMA() AND table_name = $1 AND table_type = $2
SELECT c.column_name, c.is_nullable = 'YES', c.udt_name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS column_type FROM information_schema.columns AS c JOIN pg_description AS pd ON pd.objsubid = c.ordinal_position WHERE table_catalog = $1
SELECT description FROM pg_catalog.pg_description WHERE objsubid = (SELECT ordinal_position FROM information_schema.columns WHERE table_schema = CURRENT_SCHEMA() AND table_name = 'users' AND column_name = 'name') AND objoid = (SELECT oid FROM pg_catalog.pg_class WHERE relname = 'users')
CREATE TABLE "users" ("id" bigserial,"created_at" timestamptz,"name" varchar(255) NOT NULL DEFAULT 'x',"balance" numeric(10,2),"location" geometry(Point,4326),PRIMARY KEY ("id"),CONSTRAINT "fk" FOREIGN KEY ("company_id") REFERENCES "companies"("id") ON DELETE SET NULL ON UPDATE CASCADE)
CREATE INDEX IF NOT EXISTS "idx_users_deleted_at" ON "users" ("deleted_at")
CREATE UNIQUE INDEX CONCURRENTLY "idx" ON "users" USING gin (name,"email") WHERE age > 10
ALTER TABLE "users" ADD "age" bigint
ALTER TABLE "users" ALTER COLUMN "name" TYPE varchar(64) USING "name"::varchar(64)
DROP TABLE IF EXISTS "users" CASCADE
SELECT "t1"."id" FROM "users" AS "t1" JOIN (SELECT "user_groups"."user_id" FROM "user_groups" WHERE "group_id" IN ($1)) AS "t2" ON "t1"."id" = "t2"."user_id"
SELECT DISTINCT "users"."id", "users"."name" FROM "users" WHERE "users"."name" ILIKE $1 AND NOT (EXISTS (SELECT 1 FROM "pets" WHERE "pets"."owner_id" = "users"."id"))
WITH "src_query" AS (SELECT "id" FROM "items" WHERE "status" = $1 LIMIT 10 FOR UPDATE SKIP LOCKED) UPDATE "items" SET "status" = $2 FROM "src_query" WHERE "items"."id" = "src_query"."id" RETURNING "items"."id"
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n+1 FROM t WHERE n < 100) SELECT sum(n) FROM t
WITH a (x, y) AS (SELECT 1, 2), b(z) AS MATERIALIZED (SELECT max(x) FROM a) SELECT * FROM a, b
INSERT INTO users (first_name, last_name, email) VALUES ($1, $2, $3)
SELECT * FROM person WHERE first_name=$1 ORDER BY telcode ASC
SELECT * FROM unnest($1::int[], $2::text[]) AS t(id, name)
INSERT INTO t (a, b) SELECT * FROM unnest($1::bigint[], $2::numeric(5,2)[])
SELECT row_to_json(t) FROM (SELECT id, array_agg(name ORDER BY name) FILTER (WHERE name <> '') AS names FROM x GROUP BY id) t
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v (id, name) WHERE id = ANY($1)
SELECT ST_AsText(location), location <-> ST_MakePoint($1, $2)::geography AS d FROM places WHERE ST_DWithin(location, $3, 1000) ORDER BY d
SELECT id, embedding <=> $1::vector(3) AS distance FROM items ORDER BY embedding <=> $1 LIMIT 5
SELECT date_trunc('day', created_at) AS d, count(*) FILTER (WHERE ok) OVER (PARTITION BY x ORDER BY y ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t GROUP BY 1
SELECT EXTRACT(EPOCH FROM now() - created_at)::int, COALESCE(SUM(x), 0), CAST(x AS DECIMAL(10, 2)), x::character varying(20), NULLIF(a, b) FROM t
SELECT jsonb_set(data, '{a,b}', $1::jsonb) || jsonb_build_object('k', to_jsonb(v)) FROM t WHERE data @> $2 AND data ->> 'x' = 'y' AND data ? 'k'
SELECT * FROM a INNER JOIN b USING (id) LEFT OUTER JOIN c ON (c.id = b.cid) CROSS JOIN LATERAL (SELECT max(d) m FROM e WHERE e.id = a.id) l
SELECT * FROM a LEFT JOIN (SELECT 1) b ON TRUE JOIN (c JOIN d USING (x)) ON (TRUE)
SELECT GREATEST(a, b), LEFT(name, 3), SUBSTRING(name FROM 1 FOR 3), TRIM(name), POSITION('a' IN name), lower(name) FROM users
SELECT 1
SELECT version()
SELECT to_tsvector('english', body) @@ plainto_tsquery($1) FROM docs
SELECT * FROM t WHERE ts BETWEEN now() - INTERVAL '1 day' AND now() AND d = DATE '2020-01-01'
SELECT x, rank() OVER w FROM t WINDOW w AS (PARTITION BY a ORDER BY b)
SELECT a FROM t GROUP BY GROUPING SETS ((a), ()) ORDER BY (a), (b) DESC
MERGE INTO t USING (SELECT $1::int AS id) s ON (t.id = s.id) WHEN MATCHED THEN UPDATE SET v = $2 WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, $2)
COPY "t" ("a", "b") FROM STDIN WITH (FORMAT csv)
COPY users (id, name) TO STDOUT
SET LOCAL statement_timeout = '5s'
SELECT set_config('app.user_id', $1, true)
SELECT pg_advisory_xact_lock($1)
BEGIN ISOLATION LEVEL READ COMMITTED
COMMIT
