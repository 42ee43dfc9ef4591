alter table migrate_books drop column published;
