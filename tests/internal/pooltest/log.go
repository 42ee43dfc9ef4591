package pooltest

import (
	"bytes"
	"sync"
)

// LogBuffer is a log that can be read while it is written.
type LogBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *LogBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *LogBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}
