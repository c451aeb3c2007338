"""The most likely series of counts: birth and death, errors of the reader, intervals, flags."""
