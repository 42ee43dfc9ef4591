-- name: AddBook :exec
insert into sqlc_books (isbn, title, published) values (sqlc.arg(isbn), sqlc.arg(title), sqlc.arg(published));

-- name: Title :one
select title from sqlc_books where isbn = sqlc.arg(isbn);

-- name: Titles :many
select title from sqlc_books where published < sqlc.arg(before) order by title;

-- name: Publish :execrows
update sqlc_books set published = sqlc.arg(published) where isbn = sqlc.arg(isbn);
