package my_test

// table lists texts, and what Parse says of each: class | effects | what is undone by name | text. In the text ␤ is a line feed, ␉ a tabulator
// and ´ a backtick.
const table = `
== reads
read | none | | SELECT 1
read | none | | select * from t where a = ? and b in (1, 2, 3)
read | none | | SELECT a FROM t UNION ALL (SELECT b FROM u) ORDER BY 1 LIMIT 10 OFFSET 5
read | none | | (SELECT 1)
read | none | | ((SELECT 1) UNION (SELECT 2))
read | none | | (SELECT a FROM t) EXCEPT (SELECT b FROM u)
read | none | | SELECT a FROM t INTERSECT (SELECT b FROM u) MINUS (SELECT 3)
read | none | | VALUES ROW(1, 2), ROW(3, 4)
read | none | | VALUES (1, 2), (3, 4)
read | none | | TABLE t ORDER BY a LIMIT 3
read | none | | WITH x AS (SELECT 1) SELECT * FROM x
read | none | | with recursive x (n) as (select 1 union all select n + 1 from x where n < 5), y (a, b) as (select 1, 2) select * from x, y
read | none | | SELECT t.select, t.into, t.update FROM t
read | none | | SELECT COUNT(*), SUM(a), GROUP_CONCAT(DISTINCT b ORDER BY c SEPARATOR ',') FROM t GROUP BY d WITH ROLLUP HAVING MAX(e) > 1
read | none | | SELECT CAST(x AS DECIMAL(10,2)), CONVERT(x, CHAR(10)), CONVERT(x USING utf8mb4), CAST(x AS vector(3)) FROM t
read | none | | SELECT DATE_ADD(x, INTERVAL 1 DAY), x + INTERVAL (1) HOUR, EXTRACT(YEAR FROM x) FROM t
read | none | | SELECT SUM(x) OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), RANK() OVER w FROM t WINDOW w AS (ORDER BY c)
read | none | | SELECT FIRST_VALUE(a) IGNORE NULLS OVER (ORDER BY b) FROM t
read | none | | SELECT * FROM t FORCE INDEX (a) USE INDEX FOR ORDER BY (b) IGNORE KEY (c) JOIN u USING(id)
read | none | | SELECT * FROM t PARTITION (p0, p1) AS x
read | none | | SELECT * FROM (SELECT 1, 2) AS x (a, b), (SELECT 3) y (c)
read | none | | SELECT * FROM t, LATERAL (SELECT a FROM u WHERE u.id = t.id) AS x
read | none | | SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (id FOR ORDINALITY, a VARCHAR(10) PATH '$.a', NESTED PATH '$.b' COLUMNS (c INT PATH '$'))) AS jt
read | none | | SELECT MATCH (a, b) AGAINST ('x' IN BOOLEAN MODE) FROM t
read | none | | SELECT a->'$.x', a->>'$.y', a MEMBER OF ('[1]'), a <=> b, a && b, a || b, \N FROM t
read | none | | SELECT IF(a, b, c), LEFT(a, 1), RIGHT(a, 1), REPLACE(a, b, c), INSERT(a, 1, 2, b), REPEAT('x', 3), TRUNCATE(a, 1), MOD(a, 2)
read | none | | SELECT IFNULL (a, b), COALESCE (a, b) FROM t
read | none | | SELECT CASE WHEN (a) THEN (b) ELSE (c) END FROM t WHERE NOT (a) AND (b) OR (c) XOR (d)
read | none | | SELECT NOW(), CURRENT_TIMESTAMP, CURRENT_TIMESTAMP(6), UUID(), RAND(), RAND(3), SLEEP(0), USER(), DATABASE(), VERSION()
read | none | | SELECT ST_Distance_Sphere(POINT(1, 2), ST_GeomFromText('POINT(3 4)', 4326))
read | none | | SELECT BIN_TO_UUID(id), UUID_TO_BIN('x', 1), HEX(SHA2(a, 256)), AES_DECRYPT(b, 'k') FROM t
read | none | | SELECT EXISTS(SELECT 1 FROM t WHERE a = ALL (SELECT 1)), a = ANY (SELECT 2), a = SOME (SELECT 3), ROW(1, 2) = (SELECT 1, 2)
read | none | | SELECT * FROM t FOR SYSTEM_TIME AS OF TIMESTAMP '2020-01-01 00:00:00'
read | none | | SELECT /*+ SET_VAR(sort_buffer_size = 16M) MAX_EXECUTION_TIME(1000) */ * FROM t
read | none | | SELECT _utf8'a' 'b', n'c', N'd', x'1F', X'1f', b'01', 0x1F, 0b01, 1e5, 1.5e-3, .5, 1.
read | none | | SELECT '; DROP TABLE t', "; DROP TABLE t"
read | none | | SELECT 1; SELECT 2
read | none | | SELECT 1;
read | none | | ;; SELECT 1 ;; ;
read | none | | SELECT {d '2020-01-01'}, {fn now()}
read | none | | SELECT 5--1
read | none | | SELECT 5 -- 1 INTO @a
read | none | | SELECT 5 --␉ INTO @a
read | none | | SELECT 5 # INTO @a
read | none | | SELECT 5 /* INTO @a */
read | none | | -- SET a = 1␤ SELECT 1
read | none | | SELECT HIGH_PRIORITY SQL_NO_CACHE SQL_BUFFER_RESULT DISTINCT (a), STRAIGHT_JOIN FROM t
read | none | | SELECT * FROM information_schema.tables WHERE table_schema = DATABASE()
read | none | | SELECT plugins, events FROM t
read | none | | SELECT 1e5now FROM t
read | none | | SELECT 1a FROM t
read | none | | SELECT äöü FROM größe
== reads for the primary
write | none | | SELECT * FROM t FOR UPDATE
write | none | | SELECT * FROM t FOR UPDATE OF t SKIP LOCKED
write | none | | SELECT * FROM t FOR SHARE NOWAIT
write | none | | SELECT * FROM t LOCK IN SHARE MODE
write | none | | SELECT * FROM (SELECT * FROM t FOR UPDATE) x
write | none | | (SELECT * FROM t) FOR UPDATE
write | none | | SELECT * FROM t FOR/**/UPDATE
write | none | | SELECT * FROM t FOR /*!UPDATE*/
write | none | | SELECT * FROM t INTO OUTFILE '/x' FIELDS TERMINATED BY ','
write | none | | SELECT a FROM t INTO DUMPFILE '/x'
write | none | | SELECT * INTO OUTFILE '/x' FROM t
write | none | | SELECT SQL_CALC_FOUND_ROWS * FROM t
write | none | | SELECT FOUND_ROWS(), ROW_COUNT(), LAST_INSERT_ID(), CONNECTION_ID()
write | none | | SELECT @a, @a = 1, @'b'
write | none | | SELECT @@sql_mode, @@session.sql_mode, @@global.x.y
write | none | | SELECT IS_FREE_LOCK('a'), IS_USED_LOCK('a'), LOAD_FILE('/x'), MASTER_POS_WAIT('a', 1)
write | none | | SELECT WAIT_FOR_EXECUTED_GTID_SET('x', 1)
write | none | | SELECT * FROM t PROCEDURE ANALYSE
write | none | | DO SLEEP(1)
write | none | | SELECT user, host FROM mysql.user
write | none | | SELECT * FROM performance_schema.threads
write | none | | SELECT * FROM information_schema.processlist
write | none | | SELECT * FROM INFORMATION_SCHEMA.INNODB_TRX
write | none | | SELECT * FROM sys.version
== user variables
write | user_variable | user_variable a | SELECT @a := 1
write | user_variable | user_variable a | SELECT @A:=@a+1 FROM t
write | user_variable | user_variable a, user_variable b c | SELECT @a := (@'b c' := 1)
write | user_variable | user_variable b | SELECT @"b" := 1
write | user_variable | user_variable b.c_d$ | SELECT @b.c_d$ := 1
write | user_variable | user_variable it's | SELECT @'it''s' := 1
write | user_variable,unknown | | SELECT @'it\'s' := 1
write | user_variable | user_variable x´y | SELECT @´x´´y´ := 1
write | user_variable | user_variable a, user_variable b | SELECT 1, 2 INTO @a, @b
write | user_variable | user_variable a | SELECT 1 INTO @a FROM t FOR UPDATE
write | user_variable,unknown | | SELECT 1 INTO a
write | user_variable,unknown | user_variable a | SELECT 1, 2 INTO @a, b
write | user_variable | user_variable a | SELECT * FROM t WHERE (@a := id) > 1
write | user_variable,sequence | user_variable a | INSERT INTO t VALUES (@a := 1)
write | user_variable | user_variable a | UPDATE t SET x = (@a := @a + 1)
write | user_variable | user_variable a | SELECT /*!50000 @a := 1 */
write | user_variable | user_variable a | SELECT 1 /*M!100000 INTO @a */
write | user_variable | user_variable b | DO @b := 3
session | user_variable | user_variable a | SET @a = 1
session | user_variable | user_variable a, user_variable b | SET @a = 1, @b := @@sql_mode
session | user_variable | user_variable a b | SET @'a b' = 1
session | user_variable | user_variable a b | SET @"A b" = 1
session | user_variable | user_variable a | SET @´a´ = 1
session | user_variable | user_variable a, user_variable b | SET @a = @b := 2
write | user_variable | user_variable a | SET @a = (SELECT b FROM t FOR UPDATE)
unknown | user_variable,unknown | user_variable a | SET @a = f()
write | user_variable | user_variable p, user_variable q | GET DIAGNOSTICS CONDITION 1 @p = RETURNED_SQLSTATE, @q = MESSAGE_TEXT
unknown | unknown | | GET DIAGNOSTICS v = NUMBER
write | user_variable,sequence | user_variable b | LOAD DATA INFILE 'f' INTO TABLE t (a, @b) SET c = @b + 1
write | user_variable | user_variable j | EXPLAIN FORMAT = JSON INTO @j SELECT 1
== settings
session | setting | setting x | SET x = 1
session | setting | setting x | SET SESSION x = 1
session | setting | setting x | SET LOCAL x := 1
session | setting | setting x | SET @@x = 1
session | setting | setting x | SET @@session.x = 1
session | setting | setting x | SET @@LOCAL.X = 1
session | setting | setting x | SET @@´x´ = 1
session | setting | setting x | SET ´X´ = 1
session | setting | setting x | SET "x" = 1
session | setting | setting default.key_buffer_size | SET default.key_buffer_size = 1
session | setting | setting a.b | SET @@session.a.´b´ = 1
session | setting | setting a, setting b | SET a = 1, SESSION b = 2
session | setting | setting a, setting b | SET a = (1, 2), b = ','
session | setting | setting sql_mode | SET sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')
session | setting | setting sql_mode | SET/**/sql_mode=''
session | setting | setting sql_mode | /*!40101 SET sql_mode = '' */
session | setting,user_variable | user_variable old, setting sql_mode | /*!40101 SET @OLD=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
session | setting | setting a | /*!40101 SET a = 1 */; SELECT 1
session | setting | setting a | SELECT 1 /*!99999 ; SET a = 1 */
session | setting | setting a | SELECT 1; SET a = 1
session | setting | setting sql_log_bin | SET sql_log_bin = 0
session | setting | setting timestamp | SET timestamp = 1
session | setting,permanent | setting insert_id | SET insert_id = 5
session | setting,permanent | setting rand_seed1, setting rand_seed2 | SET rand_seed1 = 1, rand_seed2 = 2
session | setting,sequence,permanent | setting last_insert_id | SET last_insert_id = 5
session | setting | setting pseudo_thread_id | SET pseudo_thread_id = 5
unknown | setting,unknown | setting a | SET a = f(1)
unknown | setting,unknown | setting a | SET a = db.f(1)
write | none | | SET GLOBAL x = 1
write | none | | SET @@global.x = 1
write | none | | SET PERSIST x = 1
write | none | | SET @@PERSIST_ONLY.x = 1
write | setting | setting b | SET GLOBAL a = 1, b = 2
write | none | | SET GLOBAL a = 1, GLOBAL b = 2
unknown | unknown | | SET
unknown | unknown | | SET x
unknown | unknown | | SET 5 = 5
unknown | unknown | | SET GLOBAL @a = 5
session | setting | setting character_set_client, setting character_set_connection, setting character_set_results, setting collation_connection | SET NAMES utf8mb4
session | setting | setting character_set_client, setting character_set_connection, setting character_set_results, setting collation_connection | SET NAMES 'utf8mb4' COLLATE 'utf8mb4_bin'
session | setting | setting character_set_client, setting character_set_connection, setting character_set_results, setting collation_connection | SET CHARACTER SET utf8
session | setting | setting character_set_client, setting character_set_connection, setting character_set_results, setting collation_connection | SET CHAR SET DEFAULT
session | setting | setting character_set_client, setting character_set_connection, setting character_set_results, setting collation_connection | SET CHARSET 'utf8'
session | setting | setting a, setting character_set_client, setting character_set_connection, setting character_set_results, setting collation_connection | SET a = 1, NAMES latin1
session | setting | setting transaction | SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY
session | setting | setting transaction | SET SESSION TRANSACTION READ ONLY
session | setting | setting transaction | SET LOCAL TRANSACTION ISOLATION LEVEL SERIALIZABLE
session | setting | setting transaction_isolation | SET transaction_isolation = 'READ-COMMITTED'
session | setting | setting tx_isolation | SET @@tx_isolation = 'READ-COMMITTED'
write | none | | SET GLOBAL TRANSACTION READ WRITE
tx | setting,open_tx | setting autocommit | SET autocommit = 0
tx | setting,open_tx | setting autocommit | set @@AUTOCOMMIT=1
tx | setting,open_tx | setting autocommit | SET SESSION ´autocommit´ := OFF
tx | setting,open_tx | setting autocommit | SET @@session.autocommit = 0
write | none | | SET PASSWORD = 'x'
write | none | | SET PASSWORD FOR 'u'@'h' = PASSWORD('x')
write | none | | SET DEFAULT ROLE a, b TO u
session | role | | SET ROLE a, b
session | role | | SET ROLE NONE
session | role | | SET ROLE ALL EXCEPT a, 'b'@'h'
session | role,user_variable | user_variable a | SET @a = 1, ROLE NONE
session | permanent | | SET RESOURCE GROUP g FOR 1, 2
read | none | | SET STATEMENT max_statement_time = 5 FOR SELECT 1
write | sequence | | SET STATEMENT sql_mode = '', a = 2 FOR INSERT INTO t VALUES (1)
session | setting | setting b | SET STATEMENT a = 1 FOR SET b = 2
write | user_variable | user_variable x | SET STATEMENT a = @x := 5 FOR SELECT @x
write | sequence,permanent | | SET STATEMENT insert_id = 5 FOR INSERT INTO t VALUES (1)
unknown | unknown | | SET STATEMENT
== writes
write | sequence | | INSERT INTO t (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE a = VALUES(a), b = VALUE(b)
write | sequence | | INSERT INTO db.t (a) VALUES (1) AS new (x) ON DUPLICATE KEY UPDATE a = new.x
write | sequence | | INSERT LOW_PRIORITY IGNORE t (a) VALUE (1)
write | sequence | | INSERT INTO t SET a = 1
write | sequence | | INSERT INTO t () VALUES ()
write | sequence | | INSERT INTO t SELECT * FROM u
write | sequence | | INSERT INTO t (a) (SELECT 1)
write | sequence | | INSERT INTO "t" ("a") VALUES (1)
write | sequence | | INSERT INTO ´t´ (´a´) VALUES (1), (DEFAULT)
write | sequence | | INSERT INTO t PARTITION (p0) (a) VALUES (1)
write | sequence | | INSERT INTO t (a) VALUES (1) RETURNING id
write | sequence | | INSERT INTO t (a) VALUES (1) RETURNING (id)
write | sequence | | REPLACE INTO t (a) VALUES (1)
write | sequence | | REPLACE t SELECT 1
unknown | sequence,unknown | | INSERT INTO t (a) VALUES (f(1))
unknown | sequence,unknown | | INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = f(1)
unknown | sequence,unknown | | INSERT
write | sequence | | INSERT INTO t VALUES (LAST_INSERT_ID(5))
write | none | | UPDATE t SET a = 1 WHERE b = 2
write | sequence | | UPDATE t SET id = LAST_INSERT_ID(id + 1)
write | none | | UPDATE t, u SET t.a = u.a WHERE t.id = u.id
write | none | | DELETE FROM t WHERE a = 1
write | none | | DELETE t FROM t JOIN u USING (id)
write | none | | WITH x AS (SELECT 1) UPDATE t SET a = 1
write | none | | WITH x AS (SELECT 1) DELETE FROM t
write | none | | WITH x AS (SELECT 1) SELECT * FROM t FOR UPDATE
unknown | unknown | | UPDATE t SET a = f(1)
write | none | | TRUNCATE TABLE t
write | sequence | | LOAD DATA LOCAL INFILE 'f' INTO TABLE t CHARACTER SET utf8 FIELDS TERMINATED BY ',' (a, b)
write | sequence | | LOAD XML INFILE 'f' INTO TABLE t ROWS IDENTIFIED BY '<r>'
unknown | sequence,unknown | | LOAD DATA INFILE 'f' INTO TABLE t CHARACTER SET utf8 (a) SET b = f(a)
write | none | | LOAD INDEX INTO CACHE t
write | none | | SELECT 1; DELETE FROM t
== functions
unknown | unknown | | SELECT f()
unknown | unknown | | SELECT f (1)
unknown | unknown | | SELECT db.f()
unknown | unknown | | SELECT db . f ( 1 )
unknown | unknown | | SELECT sys.format_bytes(1)
unknown | unknown | | SELECT ´f´(1)
unknown | unknown | | SELECT ´now´(1)
unknown | unknown | | SELECT "f"(1)
unknown | unknown | | SELECT 1a(1)
unknown | unknown | | SELECT {´a´ f()}
unknown | unknown | | SELECT {"a" f()}, {a f()}
unknown | unknown | | SELECT 1e5f(1)
unknown | unknown | | SELECT 1 + /*!50000 f( */ /*!50000 1) */
unknown | unknown | | SELECT count (1)
unknown | unknown | | SELECT now/**/()
unknown | unknown | | SELECT DISTINCT f(1)
unknown | unknown | | SELECT * FROM t WHERE a = f(b)
unknown | unknown | | SELECT * FROM t ORDER BY f(b)
unknown | unknown | | SELECT SQL_NO_CACHE f(1)
unknown | unknown | | SELECT a FROM t LIMIT 1 OFFSET f(1)
unknown | unknown | | SELECT * FROM t JOIN u ON f(t.a)
unknown | unknown | | SELECT CAST(f(1) AS CHAR)
unknown | unknown | | SELECT sys_exec('x')
unknown | unknown | | SELECT nvl(a, b) FROM t
unknown | unknown | | SELECT COLUMNS(1)
unknown | unknown | | SELECT over(1)
unknown | unknown | | SELECT of(1)
unknown | unknown | | WITH x AS (SELECT f(1)) SELECT 1
unknown | unknown | | VALUES (f(1))
unknown | unknown | | DO f(1)
unknown | unknown | | KILL f(1)
unknown | unknown | | EXPLAIN SELECT f(1)
unknown | unknown | | SHOW TABLES WHERE f(1)
write | advisory_lock | | SELECT GET_LOCK('a', 10)
write | advisory_lock | | SELECT RELEASE_LOCK('a'), RELEASE_ALL_LOCKS()
write | advisory_lock | | DO GET_LOCK('a', 1)
write | sequence | | SELECT LAST_INSERT_ID(5)
write | sequence | | SELECT last_insert_id( /* c */ a ) FROM t
unknown | sequence,permanent,unknown | | SELECT NEXTVAL(s) FROM f()
write | sequence,permanent,unknown | | SELECT NEXTVAL(s)
write | sequence,unknown | | SELECT LASTVAL(s), SETVAL(s, 5)
write | sequence,permanent | | SELECT NEXT VALUE FOR s
write | sequence | | SELECT PREVIOUS VALUE FOR s
write | sequence,permanent | | SELECT s.nextval
== transactions
tx | open_tx | | BEGIN
tx | open_tx | | BEGIN WORK
tx | open_tx | | START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT
tx | open_tx | | /* c */ begin ;
write | sequence,open_tx | | BEGIN; INSERT INTO t VALUES (1)
tx | none | | COMMIT
tx | permanent | | COMMIT RELEASE
tx | permanent | | rollback work and no chain release
tx | none | | ROLLBACK AND NO CHAIN NO RELEASE
tx | none | | rollback to savepoint a
tx | permanent | | ROLLBACK WORK RELEASE
tx | open_tx | | COMMIT AND CHAIN
tx | none | | COMMIT AND NO CHAIN
tx | none | | SAVEPOINT a
tx | none | | ROLLBACK TO SAVEPOINT a
tx | none | | RELEASE SAVEPOINT a
tx | open_tx | open_tx xa | XA START 'x'
tx | open_tx | open_tx xa | XA BEGIN 'x', 'y', 1
tx | none | | XA END 'x'
tx | none | | XA PREPARE 'x'
tx | none | | XA RECOVER
unknown | unknown | | BEGIN NOT ATOMIC SELECT 1
unknown | unknown | | BEGIN SELECT 1; END
unknown | unknown | | IF a THEN SELECT 1; END IF
unknown | unknown | | CASE WHEN a THEN SELECT 1
unknown | unknown | | LOOP SELECT 1; END LOOP
unknown | unknown | | WHILE 1 DO SELECT 1; END WHILE
unknown | unknown | | x: LOOP SELECT 1; END LOOP
unknown | setting,unknown | setting a | FOR i IN (SELECT 1) DO SELECT 1; SET a = 1; END FOR
== session state
session | database | database db | USE db
session | database | database a b | USE ´a b´
unknown | unknown | | USE
session | prepare | prepare x | PREPARE x FROM 'SELECT 1'
session | prepare | prepare x | PREPARE ´X´ FROM @a
session | none | | DEALLOCATE PREPARE x
session | none | | DROP PREPARE x
unknown | unknown | | EXECUTE x USING @a
unknown | unknown | | EXECUTE IMMEDIATE 'SELECT 1'
unknown | unknown | | CALL p()
write | cursor | cursor t | HANDLER t OPEN
write | cursor | cursor t | HANDLER db.t OPEN
write | cursor | cursor h | HANDLER t OPEN AS h
write | cursor | cursor h | HANDLER t OPEN h
write | none | | HANDLER t READ i = (1, 2) WHERE a > 1 LIMIT 1
write | none | | HANDLER t CLOSE
unknown | unknown | | HANDLER t READ i FIRST WHERE f(1)
write | table_lock | | LOCK TABLES t READ, u AS x WRITE
write | table_lock | | LOCK TABLE t WRITE
write | table_lock | table_lock instance | LOCK INSTANCE FOR BACKUP
write | none | | UNLOCK TABLES
write | table_lock | | FLUSH TABLES WITH READ LOCK
write | table_lock | | FLUSH LOCAL TABLES t, u WITH READ LOCK
write | table_lock | | FLUSH TABLES t FOR EXPORT
write | none | | FLUSH TABLES
write | none | | FLUSH PRIVILEGES
write | table_lock,permanent | | BACKUP STAGE START
write | table_lock,permanent | | BACKUP LOCK t
write | temp_table | temp_table ´t´ | CREATE TEMPORARY TABLE t (a INT)
write | temp_table | temp_table ´db´.´t´´x´ | CREATE TEMPORARY TABLE IF NOT EXISTS db.´t´´x´ (a INT)
write | temp_table | temp_table ´T´ | CREATE OR REPLACE TEMPORARY TABLE T LIKE u
write | temp_table,sequence | temp_table ´t´ | CREATE TEMPORARY TABLE t AS SELECT * FROM u
write | temp_table,sequence | temp_table ´t´ | CREATE /*!50000 TEMPORARY */ TABLE t SELECT 1
unknown | temp_table,sequence,unknown | temp_table ´t´ | CREATE TEMPORARY TABLE t AS SELECT f(1)
write | temp_table | temp_table ´s´ | CREATE TEMPORARY SEQUENCE s START WITH 1
write | temp_table,sequence,permanent | temp_table ´t´ | CREATE TEMPORARY TABLE t (a INT DEFAULT NEXTVAL(s))
write | temp_table,sequence,permanent | temp_table ´t´ | CREATE TEMPORARY TABLE t (a INT DEFAULT (NEXT VALUE FOR s))
write | temp_table | temp_table ´y´ | ALTER TABLE x RENAME TO y
write | temp_table | temp_table ´d´.´y´ | ALTER TABLE x ADD a INT, RENAME d.y
write | temp_table | temp_table ´b´, temp_table ´d´ | RENAME TABLE a TO b, c TO d
write | none | | ALTER TABLE x RENAME COLUMN a TO b, RENAME INDEX c TO d
write | none | | DROP TEMPORARY TABLE IF EXISTS t
== definitions
write | none | | CREATE TABLE t (id BIGINT(20) NOT NULL AUTO_INCREMENT, a DECIMAL(10,2) DEFAULT (0), PRIMARY KEY (id), KEY k (a)) ENGINE=InnoDB
write | none | | CREATE TABLE IF NOT EXISTS t (a ENUM('x','y'), CONSTRAINT fk FOREIGN KEY (a) REFERENCES db.u (b) ON DELETE CASCADE)
write | none | | CREATE TABLE t LIKE u
write | sequence | | CREATE TABLE t AS SELECT COUNT(*) FROM u
unknown | sequence,unknown | | CREATE TABLE t AS SELECT f(1)
write | none | | CREATE UNIQUE INDEX i ON t (a(10), (LOWER(b)))
write | none | | CREATE OR REPLACE ALGORITHM = MERGE DEFINER = 'u'@'h' SQL SECURITY DEFINER VIEW v (a) AS SELECT 1
unknown | unknown | | CREATE VIEW v AS SELECT f(1)
unknown | sequence,unknown | | CREATE OR REPLACE VIEW v AS SELECT 1; INSERT INTO v VALUES (1)
write | sequence | | CREATE TABLE t (a INT); INSERT INTO t VALUES (1)
write | none | | CREATE DATABASE db CHARACTER SET utf8mb4
write | none | | CREATE USER 'u'@'h' IDENTIFIED BY 'x'
write | none | | CREATE PROCEDURE p() SELECT 1
write | none | | CREATE PROCEDURE p(IN a INT) COMMENT 'x' SQL SECURITY INVOKER BEGIN SET @a = 1; IF a THEN SET @b = 2; END IF; END
write | none | | CREATE DEFINER = u@h FUNCTION f(a INT) RETURNS INT DETERMINISTIC BEGIN DECLARE x INT; SET x = CASE a WHEN 1 THEN 2 END; RETURN x; END;
write | none | | CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW BEGIN SET NEW.a = 1; SET @x = 2; END
write | none | | CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW FOLLOWS q SET NEW.a = 1
write | none | | CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN SET @a = 1; END
write | none | | CREATE PROCEDURE p() BEGIN DECLARE EXIT HANDLER FOR NOT FOUND, SQLEXCEPTION BEGIN SET @a = 1; END; SET @b = 2; END
write | none | | CREATE PROCEDURE p() l: WHILE 1 DO SET @a = 1; REPEAT SET @b = 1; UNTIL 1 END REPEAT; END WHILE l
write | none | | CREATE FUNCTION f RETURNS STRING SONAME 'x.so'
unknown | setting,unknown | setting a | CREATE PROCEDURE p() BEGIN SELECT 1; END; SET a = 1
unknown | setting,unknown | setting a | CREATE PROCEDURE p() SELECT 1; SET a = 1
unknown | setting,unknown | setting a | CREATE PROCEDURE begin() SELECT 1; SET a = 1
unknown | setting,unknown | setting a | CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1; SET a = 1
unknown | setting,unknown | setting a | CREATE FUNCTION f RETURNS STRING SONAME 'x.so'; SET a = 1
unknown | unknown | | CREATE PROCEDURE p() BEGIN SELECT 1; SET a = 1
unknown | setting,unknown | setting a | CREATE PROCEDURE p() BEGIN DO IF(1, 2, 3); END; SET a = 1
write | none | | ALTER TABLE t ADD COLUMN a VARCHAR(10), DROP COLUMN b
write | none | | ALTER DATABASE db CHARACTER SET utf8
write | none | | ALTER INSTANCE ROTATE INNODB MASTER KEY
write | none | | ALTER USER u IDENTIFIED BY 'x'
write | none | | DROP TABLE t
write | permanent | | DROP DATABASE IF EXISTS d
write | none | | RENAME USER a TO b
write | none | | GRANT SELECT (a, b), EXECUTE ON db.* TO 'u'@'h' WITH GRANT OPTION
write | none | | REVOKE ALL ON *.* FROM u
unknown | unknown | | ALTER EVENT e ON SCHEDULE AT f() DO SELECT 1
unknown | unknown | | ALTER VIEW v AS SELECT f(1)
unknown | unknown | | INSTALL COMPONENT 'x' SET GLOBAL a = f(1)
unknown | unknown | | SHOW EXPLAIN FOR f(1)
== the server
write | none | | KILL 5
write | none | | KILL QUERY 5
write | none | | SHUTDOWN
write | none | | RESTART
write | none | | RESET MASTER
write | none | | PURGE BINARY LOGS BEFORE NOW()
write | none | | CHANGE MASTER TO MASTER_HOST = 'x'
write | none | | CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'x'
write | none | | START REPLICA
write | none | | STOP SLAVE
write | none | | INSTALL PLUGIN x SONAME 'x.so'
write | none | | OPTIMIZE TABLE t
write | none | | ANALYZE TABLE t
write | none | | ANALYZE LOCAL TABLE t UPDATE HISTOGRAM ON a
write | none | | REPAIR TABLE t
write | none | | CHECK TABLE t
write | none | | CHECKSUM TABLE t
write | none | | CACHE INDEX t IN c
write | none | | IMPORT TABLE FROM 'x.sdi'
write | none | | CLONE LOCAL DATA DIRECTORY '/x'
write | permanent | | BINLOG 'x'
write | none | | SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'x'
read | none | | HELP 'x'
read | none | | SHOW TABLES LIKE 'a%'
read | none | | SHOW CREATE TABLE t
read | none | | SHOW FULL COLUMNS FROM t
read | none | | SHOW INDEX FROM t WHERE Key_name = 'x'
read | none | | SHOW DATABASES
write | none | | SHOW WARNINGS
write | none | | SHOW COUNT(*) ERRORS
write | none | | SHOW VARIABLES LIKE 'x'
write | none | | SHOW FULL PROCESSLIST
write | none | | SHOW ENGINES
write | none | | SHOW PLUGINS
write | none | | SHOW OPEN TABLES
write | none | | SHOW EVENTS
write | none | | SHOW MASTER STATUS
read | none | | DESCRIBE t a
read | none | | DESC t
read | none | | EXPLAIN SELECT * FROM t
read | none | | EXPLAIN FORMAT=TREE SELECT * FROM t
read | none | | EXPLAIN EXTENDED SELECT 1
read | none | | EXPLAIN (SELECT 1)
write | none | | EXPLAIN UPDATE t SET a = 1
write | none | | EXPLAIN ANALYZE DELETE FROM t
read | none | | EXPLAIN ANALYZE SELECT 1
write | none | | EXPLAIN FOR CONNECTION 5
read | none | | EXPLAIN FOR SCHEMA db SELECT 1
read | none | | ANALYZE FORMAT = JSON SELECT 1
write | sequence | | ANALYZE INSERT INTO t VALUES (1)
write | user_variable | user_variable a | ANALYZE SELECT @a := 1
write | sequence | | LOAD DATA INFILE 'f' INTO TABLE t CHARACTER
write | setting,user_variable | user_variable İß, setting größe | SELECT @İß := 1; SET größe = 2
== traps
unknown | none | |
unknown | none | | -- nothing
unknown | unknown | | DELIMITER //
unknown | unknown | | FROBNICATE t
unknown | unknown | | SELECT (1
unknown | unknown | | SELECT 1)
unknown | unknown | | ´select´ 1
unknown | unknown | | 'a'
session | setting | setting a | SELECT 'a\'; SET a = 1; -- '
session | setting | setting a | SELECT "a\"; SET a = 1; -- "
session | setting | setting a | SELECT '\\'; SET a = 1; -- '
read | none | | SELECT 'it\'s', "a\nb"
read | none | | SELECT 'a\\', 'b'
session | setting | setting a | SELECT 1 /*! -- */ ; SET a = 1 ␤ */
session | setting | setting a | SELECT 1 /* /* */; SET a = 1; -- */
session | setting | setting a | SELECT 1 /*!99999 /* */ */; SET a = 1
session | setting | setting a | SELECT 1 --a␤; SET a = 1
unknown | unknown | | SELECT 1 -- a␤ + f(1)
unknown | unknown | | SELECT 1 --f(1)
unknown | unknown | | SELECT 1 #␤+ f(1)
write | none | | SELECT ´a´´b´ FROM t FOR UPDATE
write | none | | SELECT "FOR", 'x' FROM t FOR UPDATE
read | none | | SELECT "FOR UPDATE" FROM t
read | none | | SELECT ´INTO´ FROM ´FOR´
`
