package s3

import (
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
)

// A streamed body goes in chunks with its checksum behind them, so that the server
// stores nothing that was cut off or damaged on its way
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html).
const (
	chunkBytes   = 1 << 20
	trailed      = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	trailerName  = "x-amz-checksum-crc64nvme"
	trailerBytes = len("0\r\n") + len(trailerName) + len(":AAAAAAAAAAA=\r\n\r\n")
)

// chunked sets the headers of a body of so many bytes that goes in chunks.
func chunked(h http.Header, size int64) {
	h["X-Amz-Content-Sha256"] = []string{trailed}
	h["X-Amz-Decoded-Content-Length"] = []string{strconv.FormatInt(size, 10)}
	h["X-Amz-Trailer"] = []string{trailerName}
	h["Content-Encoding"] = []string{"aws-chunked"}
}

// chunkedSize is how many bytes the chunks take, heads and trailer included.
func chunkedSize(size int64) int64 {
	n := size + int64(trailerBytes)
	head := func(chunk int64) int64 { return int64(len(strconv.FormatInt(chunk, 16)) + 4) }
	n += size / chunkBytes * head(chunkBytes)
	if rest := size % chunkBytes; rest > 0 {
		n += head(rest)
	}
	return n
}

// A chunker puts heads before stretches of a stream, and its checksum behind it.
// The stream has exactly left bytes.
type chunker struct {
	in    io.ReadCloser
	sum   func() []byte // of what was read, asked for at the end
	left  int64         // of the stream
	chunk int64         // of the chunk that is under way
	say   []byte        // what goes out next, before more of the stream
	ended bool
}

func (c *chunker) Read(p []byte) (int, error) {
	if len(c.say) == 0 && c.chunk == 0 {
		switch {
		case c.ended:
			return 0, io.EOF
		case c.left > 0:
			c.chunk = min(c.left, chunkBytes)
			c.say = append(strconv.AppendInt(c.say[:0], c.chunk, 16), "\r\n"...)
		default:
			c.ended = true
			c.say = append(c.say[:0], "0\r\n"+trailerName+":"...)
			c.say = append(base64.StdEncoding.AppendEncode(c.say, c.sum()), "\r\n\r\n"...)
		}
	}
	if len(c.say) > 0 {
		n := copy(p, c.say)
		c.say = c.say[n:]
		return n, nil
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.chunk)])
	c.chunk -= int64(n)
	c.left -= int64(n)
	if c.chunk == 0 && (err == nil || err == io.EOF) {
		c.say = append(c.say[:0], "\r\n"...)
		return n, nil
	}
	if err == io.EOF {
		err = shorter()
	}
	return n, err
}

func (c *chunker) Close() error { return c.in.Close() }

// refusesTrailers reports whether a server knows no bodies in chunks: some older
// ones do not.
func refusesTrailers(e *connector.Error) bool {
	if e.Class != connector.Permanent || e.InDoubt {
		return false
	}
	for _, code := range []string{"NotImplemented", "XAmzContentSHA256Mismatch", "InvalidArgument", "MissingContentLength", "501"} {
		if strings.HasSuffix(e.Reason, code) {
			return true
		}
	}
	return false
}
