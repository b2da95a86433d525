sw
