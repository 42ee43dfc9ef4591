package credentials

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/gopooled/pooled/policy"
)

// FromFile returns what reads the password from a file each time. The user is that of the DSN.
func FromFile(path string) func(context.Context, string) (policy.Credentials, error) {
	return func(context.Context, string) (policy.Credentials, error) {
		text, err := os.ReadFile(path)
		if failed := (*os.PathError)(nil); errors.As(err, &failed) { // the path is named by who explains
			err = failed.Err
		}
		if err != nil {
			return policy.Credentials{}, err
		}
		password := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
		if password == "" { // it may be about to be written
			return policy.Credentials{}, errEmpty
		}
		return policy.Credentials{Password: password}, nil
	}
}

var errEmpty = errors.New("it is empty")
