-- +goose Up
alter table goose_books add column published int not null default 0;
update goose_books set published = 1817 where id = 1;

-- +goose Down
alter table goose_books drop column published;
