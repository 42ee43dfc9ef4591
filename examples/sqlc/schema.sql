create table sqlc_books (
  isbn bigint primary key,
  title varchar(100) not null,
  published bigint not null
);
