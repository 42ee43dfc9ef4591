// Gorm shows that GORM works through pooled as it does without:
//
//	go run ./examples/gorm 'postgres://user:password@host/database'  # on your own database, in tables whose names begin with gorm_
//	go run ./examples/gorm 'user:password@tcp(host:3306)/database'
//
// It does not run on SQLite: GORM's driver for that comes with another SQLite, which needs a C compiler.
package main

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"

	"github.com/gopooled/pooled/examples/internal/tour"
)

func main() { tour.Main("gorm", walk) }

// walk shows both ways to open GORM with pooled.
func walk(ctx context.Context, t *tour.Tour) {
	byName := open(ctx, t, "DriverName", named)
	features(t, "DriverName", byName)
	closeDB(byName)

	over := open(ctx, t, "Conn", conn)
	features(t, "Conn", over)

	times(ctx, t)
}

// named lets GORM open the database: it is told the driver's name and the DSN.
func named(t *tour.Tour) gorm.Dialector {
	if t.Family == tour.MySQL {
		return mysql.New(mysql.Config{DriverName: t.Driver, DSN: t.DSN})
	}
	return postgres.New(postgres.Config{DriverName: t.Driver, DSN: t.DSN})
}

// conn gives GORM an *sql.DB that is open.
func conn(t *tour.Tour) gorm.Dialector {
	if t.Family == tour.MySQL {
		return mysql.New(mysql.Config{Conn: t.DB})
	}
	return postgres.New(postgres.Config{Conn: t.DB})
}

// open returns nil if it fails.
func open(ctx context.Context, t *tour.Tour, way string, dialector func(*tour.Tour) gorm.Dialector) (db *gorm.DB) {
	t.Show(way+": Open", func() (_ any, err error) {
		if t.Family == tour.SQLite {
			return nil, errors.New("give a DSN of PostgreSQL, MySQL or MariaDB: GORM's driver for SQLite is another one, which needs a C compiler")
		}
		db, err = gorm.Open(dialector(t), &gorm.Config{
			NamingStrategy: schema.NamingStrategy{TablePrefix: "gorm_"},
			TranslateError: true,
			Logger:         logger.Discard, // errors are printed by the tour
		})
		if err != nil {
			return nil, err
		}
		db = db.WithContext(ctx)
		return db.Name(), nil
	})
	return db
}

func closeDB(db *gorm.DB) {
	if db == nil {
		return
	}
	if own, err := db.DB(); err == nil {
		own.Close()
	}
}

// features is the tour of one way.
func features(t *tour.Tour, way string, db *gorm.DB) {
	if db == nil {
		return
	}
	show := func(feature string, do func() (any, error)) { t.Show(way+": "+feature, do) }
	failsWith := func(feature string, want error, do func() error) { t.FailsWith(way+": "+feature, want, do) }

	show("AutoMigrate", func() (any, error) {
		if err := drop(db); err != nil {
			return nil, err
		}
		// A new table, the same again, and then a column more.
		return "tables are made", errors.Join(db.AutoMigrate(&authorBefore{}), db.AutoMigrate(&authorBefore{}), db.AutoMigrate(&author{}, &book{}, &tag{}))
	})
	defer drop(db)
	show("AutoMigrate again", func() (any, error) {
		return db.Migrator().HasColumn(&author{}, "Born"), db.AutoMigrate(&author{}, &book{}, &tag{})
	})

	ada := author{Name: "Ada", Born: 1815, Books: []book{
		{Title: "Notes", Tags: []tag{{Name: "thin"}, {Name: "old"}}},
		{Title: "Letters"},
	}}
	show("Create with associations", func() (any, error) { return "created", db.Create(&ada).Error })
	show("Preload", func() (any, error) {
		var one author
		err := db.Preload("Books", ordered).Preload("Books.Tags", ordered).First(&one, ada.ID).Error
		if err != nil {
			return nil, err
		}
		return fmt.Sprintf("%s: %s %v, %s %v", one.Name, one.Books[0].Title, one.Books[0].Tags, one.Books[1].Title, one.Books[1].Tags), nil
	})
	show("Joins", func() (any, error) {
		var one book
		err := db.Joins("Author").Where("title = ?", "Letters").Take(&one).Error
		return one.Author.Name, err
	})
	show("Association", func() (any, error) {
		letters := ada.Books[1]
		tags := func() *gorm.Association { return db.Model(&letters).Association("Tags") }
		if err := tags().Append(&tag{Name: "long"}, &tag{Name: "sad"}); err != nil {
			return nil, err
		}
		if err := tags().Delete(letters.Tags[1]); err != nil {
			return nil, err
		}
		return tags().Count(), nil
	})
	show("in, Pluck, Count", func() (any, error) {
		var titles []string
		var n int64
		err := errors.Join(db.Model(&book{}).Where("title in ?", []string{"Notes", "Letters"}).Order("title").Pluck("title", &titles).Error,
			db.Model(&book{}).Where("author_id = ?", ada.ID).Count(&n).Error)
		return fmt.Sprint(titles, " ", n), err
	})
	show("Updates with Expr", func() (any, error) {
		err := errors.Join(db.Model(&ada).Update("name", "Ada Lovelace").Error,
			db.Model(&author{}).Where("born > ?", 1800).Updates(map[string]any{"born": gorm.Expr("born + ?", 1)}).Error)
		if err != nil {
			return nil, err
		}
		var one author
		err = db.Take(&one, ada.ID).Error
		return fmt.Sprint(one.Name, " ", one.Born), err
	})
	show("OnConflict", func() (any, error) {
		again := author{ID: ada.ID, Name: "Ada", Born: 1815}
		return "updated", db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&again).Error
	})
	show("hooks", func() (any, error) {
		var all []book
		err := db.Order("title").Find(&all).Error
		if err != nil {
			return nil, err
		}
		return all[0].Loud + ", " + all[1].Loud, nil
	})
	failsWith("a hook that fails", errNoTitle, func() error { return db.Create(&book{AuthorID: ada.ID}).Error })
	show("Transaction", func() (any, error) {
		return names(db, db.Transaction(func(tx *gorm.DB) error {
			var one author
			if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&one, ada.ID).Error; err != nil {
				return err
			}
			return tx.Create(&author{Name: "Grace"}).Error
		}))
	})
	show("Transaction that fails", func() (any, error) {
		return names(db, onPurpose(db.Transaction(func(tx *gorm.DB) error { return createAndFail(tx, "Eve") })))
	})
	show("nested Transactions", func() (any, error) { // by savepoints
		return names(db, db.Transaction(func(tx *gorm.DB) error {
			if err := tx.Transaction(func(nested *gorm.DB) error { return nested.Create(&author{Name: "Mary"}).Error }); err != nil {
				return err
			}
			return onPurpose(tx.Transaction(func(nested *gorm.DB) error { return createAndFail(nested, "Eve") }))
		}))
	})
	show("SavePoint, RollbackTo", func() (any, error) {
		tx := db.Begin()
		defer tx.Rollback() // after Commit it does nothing
		return names(db, errors.Join(tx.SavePoint("point").Error, tx.Create(&author{Name: "Eve"}).Error, tx.RollbackTo("point").Error,
			tx.Create(&author{Name: "Joan"}).Error, tx.Commit().Error))
	})
	show("PrepareStmt", func() (any, error) {
		prepared := db.Session(&gorm.Session{PrepareStmt: true})
		for range 3 {
			if err := prepared.Take(&author{}, ada.ID).Error; err != nil {
				return nil, err
			}
		}
		return names(prepared, prepared.Transaction(func(tx *gorm.DB) error {
			return errors.Join(tx.Create(&author{Name: "Edith"}).Error, tx.Take(&author{}, ada.ID).Error)
		}))
	})
	show("FindInBatches", func() (any, error) {
		var batch []author
		var sizes []int
		err := db.FindInBatches(&batch, 2, func(*gorm.DB, int) error { sizes = append(sizes, len(batch)); return nil }).Error
		return sizes, err
	})
	show("Raw, Rows, ScanRows", func() (any, error) {
		rows, err := db.Raw("select * from gorm_tags where name like ? order by name", "%l%").Rows()
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		var all []string
		for rows.Next() {
			var one tag
			if err := db.ScanRows(rows, &one); err != nil {
				return nil, err
			}
			all = append(all, one.Name)
		}
		return all, rows.Err()
	})
	failsWith("no row", gorm.ErrRecordNotFound, func() error { return db.Take(&author{}, 999).Error })
	failsWith("a name that is taken", gorm.ErrDuplicatedKey, func() error { return db.Create(&author{Name: "Grace"}).Error })
	failsWith("a foreign key", gorm.ErrForeignKeyViolated, func() error { return db.Create(&book{Title: "Lost", AuthorID: 999}).Error })
	t.Fails(way+": no such table", t.ServerError(), func() error { return db.Exec("delete from gorm_nothing").Error })
	show("Delete", func() (any, error) {
		deleted := db.Where("name in ?", []string{"Grace", "Mary"}).Delete(&author{})
		return names(db, deleted.Error)
	})

	if way == "Conn" {
		t.Each(func() error { return db.Take(&author{}, ada.ID).Error })
	}
}

// drop drops the tables if they are there.
func drop(db *gorm.DB) error {
	return db.Migrator().DropTable("gorm_book_tags", &tag{}, &book{}, &author{})
}

func ordered(db *gorm.DB) *gorm.DB { return db.Order("id") }

// names returns who is there, unless something failed before.
func names(db *gorm.DB, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	var all []string
	err = db.Model(&author{}).Order("id").Pluck("name", &all).Error
	return all, err
}

func createAndFail(tx *gorm.DB, name string) error {
	if err := tx.Create(&author{Name: name}).Error; err != nil {
		return err
	}
	return errOnPurpose
}

// onPurpose is nil for the error that was meant to come, and it alone.
func onPurpose(err error) error {
	if errors.Is(err, errOnPurpose) {
		return nil
	}
	return fmt.Errorf("%w is expected, not: %w", errOnPurpose, err)
}
