insert into migrate_nothing (id) values (1);
