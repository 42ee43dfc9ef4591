package nested

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFunctionsBelowPooledsPathThatNoProgramLinksAreAProgramsOwn(t *testing.T) {
	for function, own := range map[string]bool{
		"main.main":                                                           true,
		"github.com/shop/orders.(*Store).Save":                                true,
		"github.com/gopooled/pooled_test.TestX":                               true,
		"github.com/gopooled/pooled/tests/deadlock_test.TestX.func1":          true,
		"github.com/gopooled/pooled/tests/internal/pooltest.Crowd":            true,
		"github.com/gopooled/pooled/examples/gorm.run":                        true,
		"github.com/gopooled/pooled.Raw":                                      false,
		"github.com/gopooled/pooled/routing.(*Router).watch":                  false,
		"github.com/gopooled/pooled/middleware.Compose":                       false,
		"github.com/gopooled/pooled/internal/middleware/nested.(*Nested).run": false,
		"github.com/gopooled/pooled/internal/gate.(*waiter).wait":             false,
		"database/sql.(*DB).Conn":                                             false,
		"runtime.gopark":                                                      false,
	} {
		assert.Equal(t, own, isOwn(function), function)
	}
}
