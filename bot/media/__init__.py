"""The media store: files of messages on disk, sealed; how they are fetched, told apart, served and sent on."""
