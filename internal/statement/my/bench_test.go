package my_test

import (
	"testing"

	"github.com/gopooled/pooled/internal/statement/my"
)

func BenchmarkParse(b *testing.B) {
	const text = "SELECT `users`.`id`, `users`.`name`, `users`.`email`, COUNT(*) AS n FROM `users` LEFT JOIN `orders` ON `orders`.`user_id` = " +
		"`users`.`id` WHERE `users`.`deleted_at` IS NULL AND `users`.`age` > ? LIMIT 10"
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		my.Parse(text)
	}
}
