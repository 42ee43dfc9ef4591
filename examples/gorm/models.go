package main

import (
	"errors"
	"strings"

	"gorm.io/gorm"
)

type author struct {
	ID    uint
	Name  string `gorm:"size:40;not null;uniqueIndex"`
	Born  int    // added later: see authorBefore
	Books []book
}

// authorBefore is what author was in an earlier version of the program.
type authorBefore struct {
	ID   uint
	Name string `gorm:"size:40;not null;uniqueIndex"`
}

func (authorBefore) TableName() string { return "gorm_authors" }

type book struct {
	ID       uint
	Title    string `gorm:"size:40"`
	AuthorID uint
	Author   *author
	Tags     []tag `gorm:"many2many:book_tags"`

	Loud string `gorm:"-"` // by a hook
}

type tag struct {
	ID   uint
	Name string `gorm:"size:40"`
}

// BeforeCreate is a hook that GORM calls.
func (b *book) BeforeCreate(*gorm.DB) error {
	if b.Title == "" {
		return errNoTitle
	}
	return nil
}

// AfterFind is a hook as well. It may ask the database, in the same transaction.
func (b *book) AfterFind(tx *gorm.DB) error {
	var name string
	if err := tx.Session(&gorm.Session{NewDB: true}).Model(&author{}).Where("id = ?", b.AuthorID).Pluck("name", &name).Error; err != nil {
		return err
	}
	b.Loud = strings.ToUpper(b.Title + " by " + name)
	return nil
}

var (
	errNoTitle   = errors.New("a book needs a title")
	errOnPurpose = errors.New("on purpose")
)
