// Package catalogue proves that what a text does not show is found in the server's catalogue: functions, triggers, views, defaults, and what
// they reach.
package catalogue
