package pg

import "testing"

// The texts of the benchmark: 200 bytes of an ORM's select, its insert, and the shortest that is common.
const (
	benchSelect = `SELECT "u"."id", "u"."name", "u"."email", "u"."created_at", count(o.id) FROM "users" AS "u" ` +
		`LEFT JOIN "orders" AS "o" ON "o"."user_id" = "u"."id" WHERE "u"."id" = $1 GROUP BY "u"."id" LIMIT 10 OFFSET 20`
	benchInsert = `INSERT INTO "users" ("created_at","updated_at","deleted_at","name","email","age") ` +
		`VALUES ($1,$2,$3,$4,$5,$6) ON CONFLICT ("email") DO UPDATE SET "name"="excluded"."name" RETURNING "id"`
)

func BenchmarkParse(b *testing.B) {
	for _, text := range []struct{ name, text string }{
		{"select of 200 bytes", benchSelect}, {"insert", benchInsert}, {"select 1", "select 1"},
	} {
		b.Run(text.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Parse(text.text)
			}
		})
	}
}
