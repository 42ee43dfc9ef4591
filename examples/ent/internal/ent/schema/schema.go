// Package schema has what ent generates from: authors, their books, and the edge between them.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
)

// Author has written books.
type Author struct{ ent.Schema }

// Annotations of Author.
func (Author) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("ent_authors")}
}

// Fields of Author.
func (Author) Fields() []ent.Field { return []ent.Field{field.String("name").Unique()} }

// Edges of Author.
func (Author) Edges() []ent.Edge { return []ent.Edge{edge.To("books", Book.Type)} }

// Book has an author.
type Book struct{ ent.Schema }

// Annotations of Book.
func (Book) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("ent_books")}
}

// Fields of Book.
func (Book) Fields() []ent.Field {
	return []ent.Field{field.String("title").Unique(), field.Int("published")}
}

// Edges of Book.
func (Book) Edges() []ent.Edge {
	return []ent.Edge{edge.From("author", Author.Type).Ref("books").Unique().Required()}
}
