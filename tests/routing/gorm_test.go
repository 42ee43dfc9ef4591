package routing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

type author struct {
	ID    uint
	Name  string
	Books []book
}

type book struct {
	ID       uint
	AuthorID uint
	Title    string
}

// openGorm opens GORM over a pool.
func openGorm(t *testing.T, p *pool) *gorm.DB {
	t.Helper()
	dialector := postgres.New(postgres.Config{Conn: p.DB})
	if p.family.driver == "mysql" {
		dialector = mysql.New(mysql.Config{Conn: p.DB})
	}
	db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	return db
}

func (p *pool) testGorm(t *testing.T) {
	db := openGorm(t, p)
	const text = "select * from authors join books on true"
	p.onEither(t, func() { require.NoError(t, db.AutoMigrate(&author{}, &book{})) })
	p.readable(t, text)
	assert.Positive(t, p.onEither(t, func() { require.NoError(t, db.AutoMigrate(&author{}, &book{})) }), "there was nothing to migrate")

	ada := author{Name: "Ada", Books: []book{{Title: "Notes"}, {Title: "Letters"}}}
	p.onPrimary(t, func() { require.NoError(t, db.Create(&ada).Error) })
	require.NotZero(t, ada.ID)
	p.onPrimary(t, func() {
		require.NoError(t, db.Session(&gorm.Session{SkipDefaultTransaction: true}).Create(&author{Name: "Bob"}).Error)
	})
	p.onReplicas(t, text, func() {
		var found author
		require.NoError(t, db.First(&found, ada.ID).Error)
		assert.Equal(t, "Ada", found.Name)
		var all []author
		require.NoError(t, db.Order("id").Find(&all).Error)
		assert.Len(t, all, 2)
		var n int64
		require.NoError(t, db.Model(&book{}).Where("title like ?", "L%").Count(&n).Error)
		assert.EqualValues(t, 1, n)
		var loaded []author
		require.NoError(t, db.Preload("Books").Order("id").Find(&loaded).Error)
		assert.Len(t, loaded[0].Books, 2)
		var joined []string
		require.NoError(t, db.Model(&author{}).Joins("join books on books.author_id = authors.id").Order("title").Pluck("title", &joined).Error)
		assert.Equal(t, []string{"Letters", "Notes"}, joined)
		var raw string
		require.NoError(t, db.Raw("select name from authors where id = ?", ada.ID).Scan(&raw).Error)
		assert.Equal(t, "Ada", raw)
		rows, err := db.Model(&author{}).Rows()
		require.NoError(t, err)
		defer func() { assert.NoError(t, rows.Close()) }()
		for rows.Next() {
			require.NoError(t, db.ScanRows(rows, &found))
		}
		require.NoError(t, rows.Err())
		var prepared author
		require.NoError(t, db.Session(&gorm.Session{PrepareStmt: true}).First(&prepared, ada.ID).Error)
	})
	p.onPrimary(t, func() {
		require.NoError(t, db.Model(&ada).Updates(map[string]any{"name": "Ada Lovelace"}).Error)
		require.NoError(t, db.Model(&author{}).Where("name = ?", "Bob").Update("name", "Bobby").Error)
		require.NoError(t, db.Save(&ada).Error)
		require.NoError(t, db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&ada.Books).Error)
	})
	p.readable(t, text)
	p.onPrimary(t, func() {
		var locked author
		require.NoError(t, db.Clauses(clause.Locking{Strength: "UPDATE"}).First(&locked, ada.ID).Error)
		assert.Equal(t, "Ada Lovelace", locked.Name)
		require.NoError(t, db.Clauses(clause.Locking{Strength: "SHARE"}).First(&locked, ada.ID).Error)
	})
	p.readable(t, text)
	p.onPrimary(t, func() {
		require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
			var inside author
			if err := tx.First(&inside, ada.ID).Error; err != nil {
				return err
			}
			if err := tx.Transaction(func(nested *gorm.DB) error { return nested.Create(&author{Name: "Cy"}).Error }); err != nil {
				return err
			}
			return tx.Where("name = ?", "Cy").First(&author{}).Error
		}))
	})
	p.onPrimary(t, func() {
		require.NoError(t, db.Where("author_id = ?", ada.ID).Delete(&book{}).Error)
		require.NoError(t, db.Delete(&ada).Error)
	})
	var n int64
	require.NoError(t, db.Model(&author{}).Count(&n).Error)
	assert.EqualValues(t, 2, n, "what was just deleted is not seen, wherever that was read")
	p.onReplicas(t, text, func() { require.ErrorIs(t, db.First(&author{}, ada.ID).Error, gorm.ErrRecordNotFound) })
}
