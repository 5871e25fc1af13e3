package s3

import (
	"math"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

const (
	keysPerPage = 1000     // https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
	partsFrom   = 64 << 20 // bytes: a smaller object goes in one request
	leastPart   = 5 << 20
	mostPart    = 5 << 30
	mostParts   = 10000
	batch       = 128 // what a ledger takes at once
	writes      = 64  // of them that are under way at once, so that few files are held
)

// Capabilities are those of every S3: it keeps any key of 1,024 bytes, and 2 KB
// of metadata beside the bytes.
func (s3) Capabilities(s connector.Settings) connector.Capabilities {
	cfg, _ := parseConfig(s)
	const (
		limits   = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"
		keys     = "a key holds at most 1,024 bytes of UTF-8: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"
		noOwner  = "an object belongs to the bucket's account, and says nothing of who made it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html"
		noGrants = "who may read a bucket is said by policies of its account's: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-management.html"
		noText   = "an object has its bytes and short metadata: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html"
		noPeople = "a bucket knows accounts and programs, not people: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-management.html"
		noLinks  = "an object is bytes: nothing in a bucket leads elsewhere"
		noFolder = "a folder is a part of a key and has no times: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-folders.html"
	)
	names := connector.FieldCaps{Names: &connector.NameCaps{UTF8: true, Empty: true, MaxPathBytes: 1024}, Why: keys}
	file := connector.KindCaps{
		Fields: map[string]connector.FieldCaps{
			item.Name.Name:    names,
			item.Content.Name: {MaxBytes: 5 << 40, Why: "an object holds at most 5 TiB: " + limits},
		},
		Lost: map[string]string{
			item.Created.Name:     "the server alone says when an object was stored: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html",
			item.Author.Name:      noOwner,
			item.Permissions.Name: noGrants, item.Description.Name: noText,
		},
		Moves: true, Batch: batch, Undo: connector.UndoExact, Requests: 1,
		Parts: &connector.PartCaps{From: partsFrom, Least: leastPart, Most: mostPart, Parts: mostParts, Why: limits},
	}
	if cfg.keep {
		file.Fields[item.Modified.Name] = connector.FieldCaps{}
		file.Fields[item.MediaType.Name] = connector.FieldCaps{}
		file.Fields[item.Metadata.Name] = connector.FieldCaps{}
	} else {
		const dropped = "the connection's setting metadata is drop: objects are carried as their bytes alone"
		file.Fields[item.Modified.Name] = connector.FieldCaps{Told: true}
		file.Lost[item.MediaType.Name], file.Lost[item.Metadata.Name] = dropped, dropped
	}
	return connector.Capabilities{
		Kinds: map[item.Kind]connector.KindCaps{
			item.Drive: {Fields: map[string]connector.FieldCaps{item.Name.Name: names},
				Lost:  map[string]string{item.Created.Name: noFolder, item.Permissions.Name: noGrants},
				Batch: 1, Undo: connector.UndoExact},
			item.Folder: {Fields: map[string]connector.FieldCaps{item.Name.Name: names, item.Empty.Name: {}},
				Lost: map[string]string{item.Created.Name: noFolder, item.Permissions.Name: noGrants, item.Description.Name: noText,
					item.SpecialUse.Name: "folders of files have no special use", item.Subscribed.Name: "nobody subscribes to a folder of files"},
				Batch: batch, Undo: connector.UndoExact},
			item.File: file,
		},
		Absent:      map[item.Kind]string{item.Member: noPeople, item.Shortcut: noLinks},
		Format:      connector.Plain,
		Paths:       true,
		SettleDelay: cfg.settle,
		ReadRequests: func(files int) float64 {
			n := math.Ceil(float64(max(files, 1)) / keysPerPage)
			if cfg.keep {
				n += float64(files)
			}
			return n
		},
	}
}
