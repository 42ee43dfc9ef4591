-- +goose Up
create table goose_books (id int primary key, title varchar(100) not null);
insert into goose_books (id, title) values (1, 'Persuasion');
insert into goose_books (id, title) values (2, 'Middlemarch');

-- +goose Down
drop table goose_books;
