alter table migrate_books add column published int not null default 0;
update migrate_books set published = 1817 where id = 1;
update migrate_books set published = 1871 where id = 2;
