package s3

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
)

// refuse gives an answer that is no success its class, by its error code
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). HEAD is
// answered without a code: its status says what there is to say. The message is
// left away, for it may hold a key.
func refuse(status int, h http.Header, body []byte) *connector.Error {
	var told struct {
		Code   string
		Region string
	}
	_ = xml.Unmarshal(body, &told)
	code := told.Code
	if len(code) > 64 || strings.ContainsFunc(code, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) {
		code = ""
	}
	if class, hint := judge(code); class != "" {
		return connector.Errorf(class, "%d %s", status, code).WithHint(hint)
	}
	if status >= 300 && status < 400 {
		e := connector.Errorf(connector.Permanent, "%d %s", status, http.StatusText(status)).WithHint("set region to the bucket's own: it lies elsewhere")
		if region := h.Get("X-Amz-Bucket-Region"); region != "" && len(region) < 32 {
			e.Hint = "set region to " + strconv.Quote(region) + ": the bucket lies there"
		}
		return e
	}
	if status == http.StatusRequestedRangeNotSatisfiable {
		return connector.Errorf(connector.Conflict, "416: the object is shorter than it was")
	}
	e := connector.RefusePlain(status)
	if code != "" {
		e.Reason = strconv.Itoa(status) + " " + code
	}
	return e
}

// judge knows the codes whose status does not say enough.
func judge(code string) (connector.Class, string) {
	switch code {
	case "NoSuchKey", "NoSuchUpload", "NoSuchVersion":
		return connector.Gone, ""
	case "NoSuchBucket":
		return connector.Gone, "there is no bucket of that name; check the setting bucket or the place"
	case "SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests", "TooManyRequestsException", "Busy":
		return connector.Throttled, ""
	case "AccessDenied", "AllAccessDisabled", "AccountProblem", "NotSignedUp":
		return connector.Forbidden, "let the key's policy, and the bucket's, allow s3:ListBucket, s3:GetObject and, for a target, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload"
	case "SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthorizationHeaderMalformed", "AuthFailure":
		return connector.Auth, "connect again: check access-key-id, secret-access-key and region"
	case "ExpiredToken", "InvalidToken", "TokenRefreshRequired":
		return connector.Auth, "connect again with fresh temporary credentials: the session token has ended"
	case "RequestTimeTooSkewed":
		return connector.Auth, "set this machine's clock: it differs from the server's by more than 15 minutes"
	case "PreconditionFailed", "ConditionalRequestConflict", "OperationAborted":
		return connector.Conflict, ""
	case "InvalidObjectState":
		return connector.Forbidden, "the object is archived: restore it from Glacier first, then run again"
	case "EntityTooLarge":
		return connector.Permanent, "the server takes no object of this size"
	case "QuotaExceeded", "QuotaExceededException", "InsufficientStorage", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "StorageFull":
		return connector.Full, "the target's storage is full; make room there, then run again"
	case "KeyTooLongError":
		return connector.Permanent, "a key holds at most 1,024 bytes: shorten the folders' names or the place"
	case "BucketAlreadyExists", "BucketAlreadyOwnedByYou":
		return connector.Conflict, "the bucket's name is taken: choose another place"
	case "ObjectParentIsFile", "ExistingObjectIsDirectory", "XMinioObjectExistsAsDirectory", "XMinioParentIsObject", "DirectoryObjectContainsData":
		return connector.Permanent, "this server keeps objects as files: an object cannot stand beside what lies below it; rename one of the two at the source"
	case "InvalidBucketName":
		return connector.Permanent, "a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens"
	case "RequestTimeout", "InternalError", "IncompleteBody", "BadDigest":
		return connector.Transient, ""
	}
	return "", ""
}
