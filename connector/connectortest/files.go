package connectortest

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// testFiles writes files of all sorts: empty, of unknown size, larger than one
// request takes, and from sources that lie or break. What failed is completed
// once the source is well.
func (r *rig) testFiles() {
	if !r.caps.Keeps(item.Attachment, item.Content.Name) {
		return
	}
	p := r.furnish()
	long := []byte(strings.Repeat(canary+" 0123456789abcdef\n", 6000)) // some 150 KB
	for _, f := range []struct {
		name    string
		content []byte
	}{{"empty", nil}, {"of one byte", []byte{0}}, {"long", long}} {
		for _, told := range []bool{true, false} {
			r.file(p, fmt.Sprintf("a file that is %s, its size told %v", f.name, told), f.content, func(it *item.Item) {
				if !told {
					it.Blob.Bytes = -1
				}
			})
		}
	}
	if r.world.BigFile > 0 {
		big := r.big()
		r.file(p, "a file in parts", big, func(*item.Item) {})
		r.badFile(p, "a file in parts whose source breaks in the second part", big, func(it *item.Item) { r.make.misbehave(it.Blob, trick{breaksAt: int64(len(big)) * 19 / 20}) })
		r.badFile(p, "a file in parts that is shorter than its source says", big, func(it *item.Item) { it.Blob.Bytes += 1000 })
	}
	r.badFile(p, "a file that is shorter than its source says", long, func(it *item.Item) { it.Blob.Bytes += 1000 })
	r.badFile(p, "a file that is longer than its source says", long, func(it *item.Item) { it.Blob.Bytes -= 1000 })
	r.badFile(p, "a file that is said to be empty and is not", long, func(it *item.Item) { it.Blob.Bytes = 0 })
	r.badFile(p, "a file whose source breaks in the middle", long, func(it *item.Item) { r.make.misbehave(it.Blob, trick{breaksAt: 70000}) })
	r.badFile(p, "a file of unknown size whose source breaks", long, func(it *item.Item) {
		it.Blob.Bytes = -1
		r.make.misbehave(it.Blob, trick{breaksAt: 70000})
	})
	r.badFile(p, "a file whose source cannot be opened", long, func(it *item.Item) { r.make.misbehave(it.Blob, trick{refuses: true}) })
	if r.suite.Sockets || r.world.BigFile == 0 {
		return
	}
	big := r.big()
	for _, t := range []trouble{{fates: []fate{unheard, lost}, dies: true}, {fates: []fate{failing, truncated, lost, unheard}}} {
		r.each(t, func(what string, ctx context.Context, died func() bool) {
			decided := r.hold()
			ch := r.withFile(p, big, func(*item.Item) {})
			m := r.migrate(ch.Item.Kind, p.board, r.lastOf(ch.Item.Kind, p), ch)
			decided()
			m.batch(ctx, died)
			r.heal(died)
			m.finish("a file in parts, " + what)
		})
	}
}

// big is a file that is sent in parts, the last of which is not full.
func (r *rig) big() []byte {
	return bytes.Repeat([]byte("0123456789abcdef"), int(r.world.BigFile)/16*9/8+1)
}

// withFile is the Create of a file, or of a task with a file where files come
// with their task.
func (r *rig) withFile(p home, content []byte, with func(*item.Item)) connector.Change {
	file := r.make.item(item.Attachment, 0, p)
	r.make.attach(&file, content)
	with(&file)
	if r.caps.Kinds[item.Attachment].Embedded == "" {
		return r.create(file)
	}
	file.Parent = item.Ref{}
	return r.create(r.make.item(item.Task, 0, p), file)
}

// file writes a file that is as it was said to be, and reads it back.
func (r *rig) file(p home, what string, content []byte, with func(*item.Item)) {
	r.Helper()
	ch := r.withFile(p, content, with)
	m := r.migrate(ch.Item.Kind, p.board, r.lastOf(ch.Item.Kind, p), ch)
	m.batch(r.Context(), nil)
	if !m.wants[0].done {
		r.Errorf("%s is not written", what)
		return
	}
	m.finish(what)
}

// badFile writes a file that cannot be written whole: an error says so, and
// once the source is well the file is there, whole and once.
func (r *rig) badFile(p home, what string, content []byte, with func(*item.Item)) {
	r.Helper()
	ch := r.withFile(p, content, with)
	m := r.migrate(ch.Item.Kind, p.board, r.lastOf(ch.Item.Kind, p), ch)
	m.batch(r.Context(), nil)
	if m.wants[0].done {
		r.Errorf("%s passes for well", what)
		return
	}
	well := &m.wants[0].change.Item
	if ch.Item.Kind != item.Attachment {
		well = &m.wants[0].change.Children[0]
	}
	well.Blob.Bytes = int64(len(content))
	r.make.misbehave(well.Blob, trick{})
	m.finish(what)
}
