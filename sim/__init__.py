"""Both ends of a call, for the desk: a telephony platform and a realtime model, each made of its protocol alone."""
