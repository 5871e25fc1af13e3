package rclone

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"sync"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fshttp"

	"github.com/rialto-migrate/rialto/connector"
)

// side is how many things one call does side by side at most; how many really are
// under way, is for the pacer to say.
const side = 16

// A library is a backend that is open at the connection's folder.
type library struct {
	fs.Fs
	ctx    context.Context // holds the library's settings
	stop   context.CancelFunc
	call   *call // of what it sends on its own, such as for a fresh token
	traits traits
}

func (l *library) close() {
	defer l.stop()
	if end := l.Features().Shutdown; end != nil {
		_ = end(l.ctx)
	}
}

// library opens the backend with the first call, which may send requests.
func (c *cloud) library(ctx context.Context) (*library, error) {
	select {
	case c.opening <- struct{}{}:
	case <-ctx.Done():
		return nil, &connector.Error{Class: connector.Transient, Reason: "stopped while the cloud is signed in to", Err: context.Cause(ctx)}
	}
	defer func() { <-c.opening }()
	if c.lib != nil {
		return c.lib, nil
	}
	// Backends keep the context that they are opened with.
	inner, stop := context.WithCancel(context.WithoutCancel(settled(ctx)))
	inner, k := c.bridge.begin(inner)
	held := context.AfterFunc(ctx, stop)
	f, err := c.bridge.open(inner, c.cfg.info, c.cfg.folder, c.values)
	if held(); err != nil {
		stop()
		c.bridge.end(k)
	}
	switch {
	case errors.Is(err, fs.ErrorIsFile):
		return nil, connector.Errorf(connector.Permanent, "what the setting %s names is no folder", setFolder).WithHint("set it to a folder")
	case err != nil && k.told() == nil && ctx.Err() == nil:
		return nil, connector.Errorf(connector.Permanent, "rclone cannot use this backend with the settings %s and %s", setOptions, setSecrets).
			WithHint("give what https://rclone.org/" + c.cfg.info.FileName() + "/ asks for")
	case err != nil:
		return nil, classed(ctx, "signing in", k, err)
	}
	if f.Features().BucketBased && c.cfg.folder == "" {
		stop()
		c.bridge.end(k)
		return nil, connector.Errorf(connector.Permanent, "this cloud keeps files in buckets, and the setting %s names none", setFolder).
			WithHint("set it to the bucket, or the bucket and a folder in it: bucket/folder")
	}
	c.lib = &library{Fs: f, ctx: inner, stop: stop, call: k, traits: traitsOf(f)}
	return c.lib, nil
}

// settled is a context with the settings that rclone has as flags.
func settled(ctx context.Context) context.Context {
	ctx, ci := fs.AddConfig(ctx)
	ci.LogLevel = fs.LogLevelEmergency
	ci.LowLevelRetries = 2 // the client repeats; this one is for a token that ended
	ci.Timeout, ci.ConnectTimeout, ci.ExpectContinueTimeout = 0, 0, 0
	ci.Transfers, ci.Checkers = side, side
	ci.MaxBufferMemory = 64 << 20
	ci.UserAgent = "rialto"
	ci.DisableHTTP2, ci.UseMmap, ci.Dump = true, false, 0
	return ctx
}

// What rclone has one of in a process: the transport that its own are made after, the
// one that some backends share, where it logs, and what looks at each request.
var (
	opening sync.Mutex // holds http.DefaultTransport
	quiet   = sync.OnceFunc(func() {
		fs.SetLogger(slog.DiscardHandler)
		fs.GetConfig(context.Background()).LogLevel = fs.LogLevelEmergency
		fshttp.SetFaultInjector(func(r *http.Request) (int, error) {
			mark(r)
			return 0, nil
		})
	})
)

// open opens a backend whose transports lead to the bridge. They are made meanwhile,
// after http.DefaultTransport (fshttp.NewTransportCustom).
func (b *bridge) open(ctx context.Context, info *fs.RegInfo, root string, v *values) (fs.Fs, error) {
	quiet()
	opening.Lock()
	defer opening.Unlock()
	own := http.DefaultTransport
	http.DefaultTransport = &http.Transport{DialTLSContext: b.dial, WriteBufferSize: 64 << 10, ReadBufferSize: 64 << 10}
	fshttp.ResetTransport()
	defer func() {
		http.DefaultTransport = own
		fshttp.ResetTransport()
	}()
	return info.NewFs(ctx, "rialto", root, v)
}

// do calls the library. What it says of paths is left out of errors.
func (c *cloud) do(ctx context.Context, what string, f func(context.Context, *library) error) error {
	lib, err := c.library(ctx)
	if err != nil {
		return err
	}
	inner, k := c.bridge.begin(fs.CopyConfig(ctx, lib.ctx))
	defer c.bridge.end(k)
	err = f(inner, lib)
	if k.told() == nil {
		if err == nil {
			lib.call.clear()
		}
		k = lib.call
	}
	return classed(ctx, what, k, err)
}

// classed gives an error its class: by what the library says, else by what the last
// request met.
func classed(ctx context.Context, what string, k *call, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*connector.Error](err); ok {
		return e
	}
	told := k.told()
	e := &connector.Error{Class: connector.Transient, Reason: what + ": it failed"}
	switch {
	case ctx.Err() != nil:
		e.Reason, e.Err = what+": stopped", context.Cause(ctx)
	case errors.Is(err, fs.ErrorObjectNotFound), errors.Is(err, fs.ErrorDirNotFound), errors.Is(err, fs.ErrorIsDir), errors.Is(err, fs.ErrorNotAFile), errors.Is(err, fs.ErrorIsFile):
		return &connector.Error{Class: connector.Gone, Reason: what + ": it is not there", Err: err}
	case errors.Is(err, fs.ErrorPermissionDenied):
		e.Class, e.Reason, e.Hint = connector.Forbidden, what+": the cloud does not permit it", "give the account the right there"
	case errors.Is(err, fs.ErrorFileNameTooLong):
		e.Class, e.Reason, e.Hint = connector.Permanent, what+": the cloud takes no name of this length", "give it a shorter one at the source"
	case errors.Is(err, fs.ErrorCantUploadEmptyFiles):
		e.Class, e.Reason = connector.Permanent, what+": the cloud takes no empty files"
	case errors.Is(err, fs.ErrorNotImplemented), errors.Is(err, fs.ErrorCantMove), errors.Is(err, fs.ErrorCantCopy):
		e.Class, e.Reason = connector.Unsupported, what+": the cloud cannot do that"
	case told != nil:
		return told
	}
	if told != nil {
		e.InDoubt = told.InDoubt
	}
	return e
}

// look finds what stands at a path: a file, or a folder as nil.
func (c *cloud) look(ctx context.Context, id string) (obj fs.Object, err error) {
	err = c.do(ctx, "looking at {object}", func(ctx context.Context, lib *library) error {
		obj, err = lib.NewObject(ctx, remote(id))
		return err
	})
	return obj, err
}

// A folderEntries is what lies in a folder, in the order of names.
type folderEntries struct {
	files   []fs.Object
	folders []string    // their names
	keeper  bool        // an object of ours keeps it
	left    []fs.Object // what is ours, and is shown to nobody
}

// isFolder reports whether a folder stands at a path. Of some clouds only a listing of
// what it lies in tells.
func (c *cloud) isFolder(ctx context.Context, id string) (bool, error) {
	if id == "/" {
		return true, nil
	}
	in, err := c.entries(ctx, id)
	switch {
	case err != nil && connector.ClassOf(err) == connector.Gone:
		return false, nil
	case err != nil:
		return false, err
	case in.keeper || !in.none():
		return true, nil
	}
	above, err := c.entries(ctx, path.Dir(id))
	if err != nil && connector.ClassOf(err) == connector.Gone {
		return false, nil
	}
	return err == nil && above.has(path.Base(id)), err
}
