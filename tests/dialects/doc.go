// Package dialects proves that pooled's own dialects hold what every dialect must: what strangers are asked for, they do.
package dialects
