package standin

import "sync"

// A Notice is one message that the real cloud would send to a person.
type Notice struct {
	Kind  string `json:"kind"` // in the cloud's own words: "addedToCard"
	To    string `json:"to"`   // the person's id
	About string `json:"about"`
}

// Notifier is a stand-in that keeps the messages which the real cloud would send.
type Notifier interface {
	// Notices are those since the stand-in began or they were forgotten, in order.
	Notices() []Notice
	ForgetNotices()
}

// Outbox keeps messages in memory. The zero value is empty; safe for concurrent
// use.
type Outbox struct {
	mu   sync.Mutex
	sent []Notice
}

// Send keeps one message.
func (o *Outbox) Send(n Notice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = append(o.sent, n)
}

// Notices implements Notifier.
func (o *Outbox) Notices() []Notice {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Notice(nil), o.sent...)
}

// ForgetNotices implements Notifier.
func (o *Outbox) ForgetNotices() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = nil
}
