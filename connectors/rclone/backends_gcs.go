//go:build rialto_gcs

package rclone

import _ "github.com/rclone/rclone/backend/googlecloudstorage"
