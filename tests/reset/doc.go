// Package reset proves that every borrower gets a session that is as fresh as one that was just dialled, whatever the last one did.
package reset
