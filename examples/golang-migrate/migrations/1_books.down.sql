drop table migrate_books;
