"""Models of many libraries, each made by the library itself, deployed in the rehearsal from their folder."""
