module github.com/rialto-migrate/rialto

go 1.26.8
