package session

import "sync"

// seenPerStatement is how many texts are remembered for each statement that a connection may cache. A text costs its own
// length and a map entry; forgetting one costs a round trip.
const seenPerStatement = 8

// seenTexts remembers texts that a server has prepared, so that preparing them in another session sends nothing. It
// forgets those not asked for since limit/2 others were. The zero value remembers nothing.
type seenTexts struct {
	limit int

	mu         sync.Mutex // guards what follows
	young, old map[string]struct{}
}

func (s *seenTexts) has(text string) bool {
	if s.limit == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.young[text]; ok {
		return true
	}
	if _, ok := s.old[text]; !ok {
		return false
	}
	s.addLocked(text)
	return true
}

func (s *seenTexts) add(text string) {
	if s.limit == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addLocked(text)
}

func (s *seenTexts) addLocked(text string) {
	if s.young == nil || len(s.young) >= s.limit/2 {
		s.old, s.young = s.young, map[string]struct{}{}
	}
	s.young[text] = struct{}{}
}
