create table migrate_books (id int primary key, title varchar(100) not null);
insert into migrate_books (id, title) values (1, 'Persuasion');
insert into migrate_books (id, title) values (2, 'Middlemarch');
