-- +goose Up
insert into goose_books (id, title, published) values (3, 'Emma', 1815);
insert into goose_nothing (id) values (1);
