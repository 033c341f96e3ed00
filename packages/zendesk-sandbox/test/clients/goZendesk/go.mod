module goZendesk

go 1.21

require github.com/nukosuke/go-zendesk v0.18.0

require github.com/google/go-querystring v1.1.0 // indirect
