"""Where the samples differ, by the critic as a document that numpy alone evaluates."""
