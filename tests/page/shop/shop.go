// Package shop is a service whose pool the page shows.
package shop

import (
	"context"
	"database/sql"
)

// Orders are those of the shop.
type Orders struct{ *sql.DB }

// Find reads the last orders of a customer.
func (o Orders) Find(ctx context.Context) error {
	rows, err := o.QueryContext(ctx, "select id, total from orders where customer = 4711 order by placed_at desc limit 20")
	if err != nil {
		return err
	}
	defer rows.Close()
	return rows.Err()
}

// Place places an order.
func (o Orders) Place(ctx context.Context) error {
	_, err := o.ExecContext(ctx, "insert into orders (customer, total, card) values (4711, 99.50, 's3cret')")
	return err
}

// Export forgets its rows: whoever calls it closes them.
func (o Orders) Export(ctx context.Context) (*sql.Rows, error) {
	return o.QueryContext(ctx, "select * from orders where placed_at > '2026-01-01' and customer in (select id from customers where country = 'CH')")
}

// Payments are those of the shop.
type Payments struct{ *sql.DB }

// Charge takes money from an account, and waits for another service inside its transaction.
func (p Payments) Charge(ctx context.Context, approved <-chan struct{}) error {
	tx, err := p.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "update accounts set balance = balance - 99.50 where card = 's3cret'"); err != nil {
		return err
	}
	<-approved
	return tx.Commit()
}
