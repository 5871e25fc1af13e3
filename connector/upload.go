package connector

import (
	"context"
	"io"
)

// An Uploader is a Target that writes large blobs in parts which outlive a
// process: an upload that was cut off goes on. Capabilities declare it
// (KindCaps.Parts). Its methods are safe for concurrent use.
type Uploader interface {
	// Begin opens the upload of a change's blob, whose size is known, and returns
	// its session: what the other methods need to go on with it, in this process or
	// another. A session may be a secret (an upload URL): it is kept sealed. Of a
	// change that is Doubted it drops what an earlier call opened, where the cloud
	// tells of that and does not drop it by itself.
	Begin(ctx context.Context, c Change) (session string, err error)
	// Held tells which parts are there. An upload that is no longer known fails with
	// class Gone.
	Held(ctx context.Context, session string) ([]UploadPart, error)
	// Put uploads one part; it may be called for several at once, unless the parts
	// are serial. r yields exactly p.Bytes bytes. The result is p with its Tag, and of
	// serial parts with the session from here on, where it changed.
	Put(ctx context.Context, session string, p UploadPart, r io.Reader) (UploadPart, error)
	// Commit makes the item of its parts, which are all there, in order. It is safe
	// to repeat: where an earlier call was carried out, it answers as that did.
	Commit(ctx context.Context, session string, c Change, parts []UploadPart) Result
	// Abort drops an upload and what it holds. One that is gone counts as dropped.
	Abort(ctx context.Context, session string) error
}

// A PartSizer is an Uploader whose cloud says, when an upload begins, how large its
// parts are.
type PartSizer interface {
	// PartBytes is how large the parts of a session are, but for the last. Pure.
	PartBytes(session string) int64
}

// An UploadPart is a stretch of a blob.
type UploadPart struct {
	Number int // from 1
	Offset int64
	Bytes  int64
	Tag    string // what the cloud answered, "" before
	// Session replaces that of the upload from this part on, and is kept as that was;
	// "" where it stays. A cloud that wants a hash of the whole at the end, and tells
	// nothing of it between, has the hash's state in it. Only where parts are serial.
	Session string
}
