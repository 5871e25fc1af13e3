package smb

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"

	smb2 "github.com/cloudsoda/go-smb2"

	"github.com/rialto-migrate/rialto/connector"
)

// What a server answers ([MS-ERREF] 2.3.1,
// https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-erref/596a1078-e883-4972-9bbc-49e60bebca55).
// The library tells of a name that is taken, one that is not there, and of access
// that is denied by the errors of io/fs.
const (
	statusNoSuchFile        = 0xC000000F
	statusNameInvalid       = 0xC0000033
	statusPathSyntaxBad     = 0xC000003B
	statusSharingViolation  = 0xC0000043
	statusQuotaExceeded     = 0xC0000044
	statusLockConflict      = 0xC0000054
	statusDeletePending     = 0xC0000056
	statusNoSuchUser        = 0xC0000064
	statusWrongPassword     = 0xC000006A
	statusLogonFailure      = 0xC000006D
	statusRestriction       = 0xC000006E
	statusLogonHours        = 0xC000006F
	statusWorkstation       = 0xC0000070
	statusPasswordExpired   = 0xC0000071
	statusAccountDisabled   = 0xC0000072
	statusDiskFull          = 0xC000007F
	statusNoResources       = 0xC000009A
	statusWriteProtected    = 0xC00000A2
	statusTimeout           = 0xC00000B5
	statusIsFolder          = 0xC00000BA
	statusNotSupported      = 0xC00000BB
	statusNetworkNameGone   = 0xC00000C9
	statusBadNetworkName    = 0xC00000CC
	statusNotEmpty          = 0xC0000101
	statusNotFolder         = 0xC0000103
	statusNameTooLong       = 0xC0000106
	statusTooManyOpen       = 0xC000011F
	statusFileClosed        = 0xC0000128
	statusLogonType         = 0xC000015B
	statusAccountExpired    = 0xC0000193
	statusSessionDeleted    = 0xC0000203
	statusMustChange        = 0xC0000224
	statusLockedOut         = 0xC0000234
	statusPathNotCovered    = 0xC0000257
	statusSessionExpired    = 0xC000035C
	statusAuthFirewall      = 0xC0000413
	statusNTLMBlocked       = 0xC0000418
	statusVirus             = 0xC0000906
	statusFileSystemLimit   = 0xC0000427
	statusFileTooLarge      = 0xC0000904
	statusReparseUnresolved = 0xC0000279
)

// status is what a server answered, 0 if that is not known.
func status(err error) uint32 {
	if r, ok := errors.AsType[*smb2.ResponseError](err); ok {
		return r.Code
	}
	return 0
}

// gone reports whether an error says that the connection was lost, or the session
// in it.
func gone(err error) bool {
	if _, ok := errors.AsType[*connector.Error](err); ok {
		return false
	}
	switch status(err) {
	case 0:
	case statusSessionDeleted, statusSessionExpired, statusNetworkNameGone, statusFileClosed:
		return true
	default:
		return false
	}
	_, transport := errors.AsType[*smb2.TransportError](err)
	_, invalid := errors.AsType[*smb2.InvalidResponseError](err)
	var op net.Error
	return transport || invalid || errors.As(err, &op) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrShortWrite) ||
		errors.Is(err, context.Canceled) // of the connection: nothing else is handed to the library
}

// held is an access that was denied where somebody may have the file open: a server
// says no more of a file that is to be replaced.
type held struct{ error }

func (h held) Unwrap() error { return h.error }

// busy reports whether somebody has a file open who shares it with nobody, or is
// about to delete it: that passes.
func busy(err error) bool {
	if _, ok := errors.AsType[held](err); ok {
		return true
	}
	s := status(err)
	return s == statusSharingViolation || s == statusLockConflict || s == statusDeletePending
}

// badName reports whether the server refuses a name.
func badName(err error) bool {
	s := status(err)
	return s == statusNameInvalid || s == statusNameTooLong || s == statusPathSyntaxBad
}

func is(err error, states ...uint32) bool {
	s := status(err)
	for _, other := range states {
		if s == other {
			return true
		}
	}
	return false
}

// classed gives an error its class. What the library says is left out: it holds
// paths.
func classed(ctx context.Context, call string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*connector.Error](err); ok {
		copied := *e
		return &copied
	}
	e := &connector.Error{Class: connector.Permanent}
	if r, ok := errors.AsType[*smb2.ResponseError](err); ok {
		e.Err = r
	}
	set := func(c connector.Class, reason, hint string) {
		e.Class, e.Reason, e.Hint = c, call+": "+reason, hint
	}
	switch {
	case gone(err):
		set(connector.Transient, "the connection was lost", "")
		if ctx.Err() != nil {
			e.Reason, e.Err = call+": stopped", context.Cause(ctx)
		}
	case errors.Is(err, fs.ErrNotExist) || is(err, statusNoSuchFile):
		set(connector.Gone, "it is not there", "")
	case errors.Is(err, fs.ErrExist):
		set(connector.Conflict, "something stands there by that name", "rename or remove it at the target, then run again")
	case errors.Is(err, fs.ErrPermission):
		set(connector.Forbidden, "the server denies access", "give the account the right to it, on the share and on its disk; a file that is marked read-only, or that somebody has open, is not replaced either")
	case is(err, statusWriteProtected):
		set(connector.Forbidden, "the share is write-protected", "have it shared for writing")
	case is(err, statusSharingViolation, statusLockConflict, statusDeletePending):
		set(connector.Transient, "somebody has it open, and lets nobody else at it", "run again when it is closed; the server's administrator sees who has it open (Get-SmbOpenFile, smbstatus)")
	case is(err, statusDiskFull):
		set(connector.Full, "the server's disk is full", "make room there, then run again")
	case is(err, statusQuotaExceeded):
		set(connector.Full, "the account's quota on the server is used up", "have it raised, then run again")
	case badName(err):
		set(connector.Permanent, "the server refuses the name", "give it another name at the source; the server's disk may take shorter ones only (the setting "+setNameBytes+")")
	case is(err, statusPathNotCovered):
		set(connector.Unsupported, "it lies on another server (DFS)", "connect to the server and share that really hold it")
	case is(err, statusReparseUnresolved):
		set(connector.Unsupported, "its bytes lie elsewhere, where only the server's own programs can get them", "have them brought back to its disk")
	case is(err, statusBadNetworkName):
		set(connector.Permanent, "the server has no such share", "correct the setting "+setShare+", or the place")
	case is(err, statusIsFolder, statusNotFolder):
		set(connector.Gone, "something of another kind stands there", "")
	case is(err, statusNotEmpty):
		set(connector.Conflict, "something lies in it", "")
	case is(err, statusVirus):
		set(connector.Forbidden, "the server's virus scanner refuses it", "look at the file at the source")
	case is(err, statusFileTooLarge, statusFileSystemLimit):
		set(connector.Full, "the server's file system takes no file as large as that", "")
	case is(err, statusNoResources, statusTooManyOpen, statusTimeout) || errors.Is(err, smb2.ErrRequestNotAccepted):
		set(connector.Transient, "the server has too much to do", "")
	case is(err, statusNotSupported):
		set(connector.Unsupported, "the server cannot do that", "")
	case status(err) != 0:
		set(connector.Permanent, "the server answered with a failure", "")
	default:
		set(connector.Transient, "it failed", "")
	}
	return e
}
