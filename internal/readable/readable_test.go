package readable_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/internal/readable"
)

func TestTheCallSiteIsTheFirstLineThatIsInNoLibrary(t *testing.T) {
	for want, functions := range map[int][]string{
		0: {"example.com/shop.(*Orders).Find", "gorm.io/gorm.(*DB).Rows"},
		2: {"gorm.io/gorm/callbacks.RowQuery", "github.com/jmoiron/sqlx.(*DB).Queryx", "example.com/shop.(*Orders).Find", "main.main"},
	} {
		var frames []runtime.Frame
		for _, f := range functions {
			frames = append(frames, runtime.Frame{Function: f})
		}
		assert.Equal(t, want, readable.CallSite(frames))
	}
	assert.Zero(t, readable.CallSite([]runtime.Frame{{Function: "gorm.io/gorm.(*DB).Rows"}}), "what else is there")
	assert.Zero(t, readable.CallSite(nil))
}
