package mysql

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNoStatementIsEndedOnAServerThatIsNotKnown(t *testing.T) {
	assert.Contains(t, session("7", "41"), "7")
	assert.Empty(t, session("7", ""))
}
