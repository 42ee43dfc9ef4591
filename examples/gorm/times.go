package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"

	"github.com/gopooled/pooled/examples/internal/tour"
)

// event has a time of each kind that PostgreSQL has.
type event struct {
	ID     uint
	At     time.Time // timestamptz
	Opened time.Time `gorm:"type:timestamp"`
	Day    time.Time `gorm:"type:date"`
}

// zone is what GORM's own documentation has for TimeZone.
const zone = "Asia/Shanghai"

// times shows that a DSN with TimeZone, and PreferSimpleProtocol, mean through pooled what they mean to GORM's own dialector, which looks after both itself
// unless it is told a driver's name.
func times(ctx context.Context, t *tour.Tour) {
	if t.Family != tour.Postgres {
		return // MySQL's driver looks after parseTime and loc itself
	}
	for _, form := range []string{"URL", "keywords"} {
		for _, simple := range []bool{false, true} {
			way := "TimeZone, " + form
			if simple {
				way += ", simple protocol"
			}
			t.Show(way, func() (_ any, err error) {
				dialector, err := inZone(t, form == "keywords", simple)
				if err != nil {
					return nil, err
				}
				db, err := gorm.Open(dialector, &gorm.Config{NamingStrategy: schema.NamingStrategy{TablePrefix: "gorm_"}, Logger: logger.Discard})
				if err != nil {
					return nil, err
				}
				defer closeDB(db)
				return writeAndReadTimes(db.WithContext(ctx))
			})
		}
	}
}

// inZone is GORM's own dialector with TimeZone and PreferSimpleProtocol, or what means the same to pooled.
func inZone(t *tour.Tour, keywords, simple bool) (gorm.Dialector, error) {
	config := postgres.Config{DSN: t.DSN}
	parameters := []string{"TimeZone=" + zone}
	if t.Driver == "pooled" {
		config.DriverName = "pooled"
		parameters = append(parameters, "pool_timestamp_zone="+zone)
		if simple {
			parameters = append(parameters, "default_query_exec_mode=simple_protocol")
		}
	} else {
		config.PreferSimpleProtocol = simple
	}
	if keywords {
		dsn, err := asKeywords(t.DSN)
		if err != nil {
			return nil, err
		}
		config.DSN = strings.Join(append([]string{dsn}, parameters...), " ")
	} else {
		config.DSN = tour.With(t.DSN, strings.Join(parameters, "&"))
	}
	return postgres.New(config), nil
}

// asKeywords writes a URL in PostgreSQL's other form.
func asKeywords(dsn string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("give the DSN as a URL") // the error would show the password
	}
	password, _ := u.User.Password()
	quote := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }
	parts := []string{
		"host=" + quote(u.Hostname()), "user=" + quote(u.User.Username()), "password=" + quote(password), "dbname=" + quote(strings.TrimPrefix(u.Path, "/")),
	}
	if u.Port() != "" {
		parts = append(parts, "port="+u.Port())
	}
	for key, values := range u.Query() {
		parts = append(parts, key+"="+quote(values[0]))
	}
	return strings.Join(parts, " "), nil
}

// writeAndReadTimes writes a moment by GORM, and one in SQL, and reads both.
func writeAndReadTimes(db *gorm.DB) (any, error) {
	if err := errors.Join(db.Migrator().DropTable(&event{}), db.AutoMigrate(&event{})); err != nil {
		return nil, err
	}
	defer db.Migrator().DropTable(&event{})
	there, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	moment := time.Date(2024, 1, 2, 3, 4, 5, 0, there)
	const insert = "insert into gorm_events (at, opened, day) values ('2024-01-02 03:04:05', '2024-01-02 03:04:05', '2024-01-02')"
	if err := errors.Join(db.Create(&event{At: moment, Opened: moment, Day: moment}).Error, db.Exec(insert).Error); err != nil {
		return nil, err
	}
	var events []event
	if err := db.Order("id").Find(&events).Error; err != nil {
		return nil, err
	}
	var found int64
	if err := db.Model(&event{}).Where("at = ? and opened = ?", moment, moment).Count(&found).Error; err != nil {
		return nil, err
	}
	var all []string
	for _, e := range events {
		all = append(all, fmt.Sprint(e.At.Equal(moment), " ", e.Opened.Format(time.RFC3339), " ", e.Day.Format(time.RFC3339)))
	}
	return fmt.Sprint(strings.Join(all, "; "), "; found ", found), nil
}
